using System.Numerics;
using FastBatch.LoadTests.Harness;
using FastBatch.Native;

namespace FastBatch.LoadTests.Gpu;

/// <summary>A model with everything that serves it, whatever its rows are made of.</summary>
internal interface IGpuCase
{
    string Name { get; }

    /// <summary>Measures the bounds, then everybody under every load, round after round; tells of each as soon as it is known.</summary>
    void Run(GpuCommand command, ModelFiles files, GpuTarget target, string library, Action<GpuBound> bound, Action<GpuResult> report);
}

/// <param name="name">Its name in models.json, whose shapes must be these.</param>
/// <param name="serve">Makes the batcher.</param>
internal sealed class GpuCase<TRow, TAnswer>(
    string name, long[] rowShape, long[] answerShape, Func<TorchScriptModule, BatcherOptions, Served<TRow, TAnswer>> serve) : IGpuCase
    where TRow : unmanaged
    where TAnswer : unmanaged, INumberBase<TAnswer>
{
    private const string Scenario = "gpu";

    // In batches: one that is always full once the device is busy, and as many more as keep it so.
    private const int Backlog = 4;

    public string Name => name;

    public void Run(GpuCommand command, ModelFiles files, GpuTarget target, string library, Action<GpuBound> bound, Action<GpuResult> report)
    {
        ModelFiles.Entry entry = files.Models.Single(model => model.Name == name);
        if (!entry.RowShape.SequenceEqual(rowShape) || !entry.AnswerShape.SequenceEqual(answerShape))
        {
            throw new InvalidDataException($"{name} in {files.Folder} has other shapes than the service for it: write the models again.");
        }

        using GpuModel<TRow, TAnswer> model = GpuModel<TRow, TAnswer>.Load(files, entry, target);
        using TorchScriptModule identity =
            TorchScriptModule.Load(files.PathOf("identity.pt"), new TorchScriptOptions { Device = target.Modules });
        WarmUp(model);
        StageBounds stages = StageBounds.Measure(model, identity, target);
        double best = model.Batch * 1e6 / stages.BatchMicroseconds;
        bound(new GpuBound(
            "gpu-bound", target.Name, name, model.Batch, stages.HostToDevice, stages.Compute, stages.DeviceToHost, Math.Round(best, 1),
            stages.BareP50, model.DifferenceFromPytorch, model.Tolerance, model.Distinct, library));

        List<GpuContender<TRow, TAnswer>> contenders = [.. Contenders(model, target, command)];
        foreach (int inFlight in (int[])[1, model.Batch, Backlog * model.Batch])
        {
            var load = new GpuLoad<TRow, TAnswer>(model, inFlight);
            List<GpuContender<TRow, TAnswer>> able = [.. contenders.Where(contender => inFlight <= contender.MostInFlight)];
            foreach ((string batcher, IReadOnlyList<GpuMeasurement> rounds) in load.Run(able, command.Rounds, command.Length))
            {
                report(Result(target, model, batcher, inFlight, rounds, best, inFlight == 1 ? stages.BareP50 : null, library));
            }
        }

        foreach (GpuContender<TRow, TAnswer> contender in contenders)
        {
            foreach (string refusal in contender.Refusals)
            {
                Console.Error.WriteLine($"{name}, {contender.Name}: {refusal}");
            }

            contender.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private IEnumerable<GpuContender<TRow, TAnswer>> Contenders(GpuModel<TRow, TAnswer> model, GpuTarget target, GpuCommand command)
    {
        var options = new BatcherOptions { Devices = target.Device is { } device ? [device] : [], MaxBatchSize = model.Batch };
        if (command.Takes(GpuCommand.FastBatch))
        {
            yield return new GpuFastBatch<TRow, TAnswer>(GpuCommand.FastBatch, serve(model.Module, options));
        }

        if (target.Device is not null && command.Takes(GpuCommand.Graphs))
        {
            yield return new GpuFastBatch<TRow, TAnswer>(GpuCommand.Graphs, serve(model.Module, options with { UseCudaGraphs = true }));
        }

        if (command.Takes(GpuCommand.Naive))
        {
            yield return new GpuNaive<TRow, TAnswer>(model);
        }

        if (command.Takes(GpuCommand.OneByOne))
        {
            yield return new GpuOneByOne<TRow, TAnswer>(model);
        }
    }

    /// <summary>libtorch compiles a module as it runs, for sizes that it has met; a device's libraries load and choose meanwhile.</summary>
    private static void WarmUp(GpuModel<TRow, TAnswer> model)
    {
        const int Times = 3;
        TRow[] rows = GC.AllocateArray<TRow>(model.Batch * model.RowLength, pinned: true);
        var answers = new TAnswer[model.Batch * model.AnswerLength];
        for (int count = model.Batch; count >= 1; count /= 2)
        {
            for (int run = 0; run < Times; run++)
            {
                model.Forward(rows.AsSpan(0, count * model.RowLength), answers.AsSpan(0, count * model.AnswerLength));
            }
        }
    }

    private static GpuResult Result(
        GpuTarget target,
        GpuModel<TRow, TAnswer> model,
        string batcher,
        int inFlight,
        IReadOnlyList<GpuMeasurement> rounds,
        double best,
        double? bare,
        string library)
    {
        double Median(Func<GpuMeasurement, double> of, int digits = 3) =>
            Math.Round(rounds.Select(of).Order().ElementAt(rounds.Count / 2), digits);

        double rate = Median(static round => round.Load.RequestsPerSecond, 1);
        double p50 = Median(static round => round.Load.P50Microseconds);
        return new GpuResult(
            Scenario,
            target.Name,
            model.Name,
            batcher,
            model.Batch,
            inFlight,
            rate,
            Math.Round(100 * (rounds.Max(static round => round.Load.RequestsPerSecond) - rounds.Min(static round => round.Load.RequestsPerSecond)) / rate, 1),
            p50,
            Median(static round => round.Load.P99Microseconds),
            rounds[0].BatchMicroseconds is null ? null : Median(static round => round.BatchMicroseconds ?? 0),
            Median(static round => round.Load.MeanBatch),
            Median(static round => round.Load.BytesPerRequest),
            Median(static round => round.Load.CpuSecondsPerMillion),
            Math.Round(rate / best, 4),
            bare is { } alone ? Math.Round(p50 / alone, 3) : null,
            rounds.Max(static round => round.MaxDifference) / model.LargestAnswer,
            model.Tolerance,
            rounds.Count,
            library);
    }
}
