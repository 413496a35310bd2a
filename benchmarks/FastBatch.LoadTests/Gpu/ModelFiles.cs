using System.Text.Json;

namespace FastBatch.LoadTests.Gpu;

/// <summary>What <c>TorchModels/make.py --gpu</c> wrote: a folder of modules, rows and right answers, and models.json, which this is.</summary>
internal sealed record ModelFiles(bool Small, string Pytorch, IReadOnlyList<ModelFiles.Entry> Models)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    public string Folder { get; private init; } = "";

    /// <returns>null if the folder is none.</returns>
    public static ModelFiles? Read(string folder)
    {
        string list = Path.Combine(folder, "models.json");
        return File.Exists(list) ? JsonSerializer.Deserialize<ModelFiles>(File.ReadAllText(list), s_json)! with { Folder = folder } : null;
    }

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <param name="Batch">The most rows at once.</param>
    /// <param name="Tolerance">How far an answer may be from the right one, in parts of the largest right one.</param>
    internal sealed record Entry(
        string Name, int Batch, string RowType, long[] RowShape, string AnswerType, long[] AnswerShape, double Tolerance);
}
