using System.Globalization;
using FastBatch.LoadTests.Harness;
using FastBatch.Native;

namespace FastBatch.LoadTests.Gpu;

/// <summary>
/// <c>gpu</c>: models that span the field, on a GPU, through FastBatch and through what is written without it; every answer is checked against
/// the model's own, and those against PyTorch's.
/// </summary>
internal sealed record GpuCommand(string Folder, string Device, string? Model, string? Batcher, double Seconds, int Rounds, bool Json)
{
    public const string Name = "gpu";
    public const string FastBatch = "fastbatch";
    public const string Graphs = "fastbatch-graphs";
    public const string Naive = "naive";
    public const string OneByOne = "one-by-one";

    private static readonly string[] s_batchers = [FastBatch, Graphs, Naive, OneByOne];

    public static string Usage => $"""
        usage: FastBatch.LoadTests gpu --models FOLDER [--device NAME] [--model NAME] [--batcher NAME] [--seconds S] [--rounds R] [--json]

          Bounds of each model first, each stage alone; then closed loops with 1 request, a batch and four batches in flight.

          --models   where TorchModels/make.py --gpu FOLDER wrote them
          --device   one of {string.Join(", ", GpuTarget.Names)} (default FASTBATCH_DEVICE, else cuda); the last has a device's streams over the
                     host's memory: with it and the CPU, and models of make.py --small, all of this can be tried without a GPU
          --model    one of {string.Join(", ", GpuServices.Cases.Select(static served => served.Name))}
          --batcher  one of {string.Join(", ", s_batchers)}
          --seconds  measured time per batcher, load and round (default 1)
          --rounds   measured rounds (default 3); one more goes before them and is thrown away
          --json     one JSON object per line instead of tables
        """;

    public WindowLength Length => WindowLength.OfSeconds(Seconds);

    public bool Takes(string batcher) => Batcher is null || Batcher == batcher;

    /// <returns>null if the arguments are not understood.</returns>
    public static GpuCommand? Parse(ReadOnlySpan<string> args)
    {
        string device = Environment.GetEnvironmentVariable("FASTBATCH_DEVICE") is { Length: > 0 } forced ? forced : "cuda";
        var parsed = new GpuCommand("", device, Model: null, Batcher: null, Seconds: 1, Rounds: 3, Json: false);
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--json")
            {
                parsed = parsed with { Json = true };
            }
            else if (parsed.With(args[i], ++i < args.Length ? args[i] : "") is { } next)
            {
                parsed = next;
            }
            else
            {
                return null;
            }
        }

        return parsed.Folder.Length > 0 && GpuTarget.Names.Contains(parsed.Device) ? parsed : null;
    }

    /// <returns>The exit code.</returns>
    public int Run()
    {
        if (ModelFiles.Read(Folder) is not { } files)
        {
            Failure.Unavailable($"There are no models in '{Folder}': python3 TorchModels/make.py --gpu '{Folder}' writes them.");
            return Failure.UnavailableExitCode;
        }

        GpuTarget target = GpuTarget.Of(Device);

        // The callers need the processors, and a GPU no more than one that gives it work.
        Torch.Threads = 1;
        string library = string.Create(
            CultureInfo.InvariantCulture, $"{Torch.Description.ReplaceLineEndings(" ").Trim()}, {(files.Small ? "small" : "full")} models");
        foreach (IGpuCase served in GpuServices.Cases.Where(served => Model is null || served.Name == Model))
        {
            served.Run(this, files, target, library, Report, Report);
        }

        return 0;
    }

    private void Report(GpuBound bound) => Console.WriteLine(Json ? bound.ToJson() : $"{bound}\n{GpuResult.Header}");

    private void Report(GpuResult result) => Console.WriteLine(Json ? result.ToJson() : result.ToString());

    private GpuCommand? With(string option, string value) => option switch
    {
        "--models" when value.Length > 0 => this with { Folder = value },
        "--device" => this with { Device = value },
        "--model" when GpuServices.Cases.Any(served => served.Name == value) => this with { Model = value },
        "--batcher" when s_batchers.Contains(value) => this with { Batcher = value },
        "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= 60 =>
            this with { Seconds = seconds },
        "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out int rounds) && rounds is >= 1 and <= 1000 =>
            this with { Rounds = rounds },
        _ => null,
    };
}
