using System.Text.Json;

namespace FastBatch.Native.Tests;

/// <summary>The modules that Fixtures/make.py wrote, and what Python computes with them.</summary>
internal static class Fixture
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static IReadOnlyList<Case> Cases { get; } =
        JsonSerializer.Deserialize<List<Case>>(File.ReadAllText(System.IO.Path.Combine(Folder, "cases.json")), s_json)!;

    private static string Folder => System.IO.Path.Combine(AppContext.BaseDirectory, "Fixtures");

    public static string Path(string module) => System.IO.Path.Combine(Folder, $"{module}.pt");

    public static TorchScriptModule Load(string module) => TorchScriptModule.Load(Path(module));

    public static float[] Numbers(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}

/// <summary>One call that Python made.</summary>
public sealed record Case(string Module, string Method, Values[] Inputs, Values[] Outputs)
{
    public override string ToString() =>
        $"{Module}.{Method}({string.Join(", ", Inputs.Select(static input => $"{input.Dtype} [{string.Join(", ", input.Shape)}]"))})";
}

/// <summary>A tensor: its elements in row-major order, as bytes.</summary>
public sealed record Values(string Dtype, long[] Shape, byte[] Data);
