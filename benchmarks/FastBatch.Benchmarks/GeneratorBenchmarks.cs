using System.Text;
using BenchmarkDotNet.Attributes;
using FastBatch.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Benchmarks;

/// <summary>The generator in a project of 100 batchable methods: the first run, and the run after a keystroke elsewhere.</summary>
[MemoryDiagnoser]
public class GeneratorBenchmarks
{
    private const int Methods = 100;

    private CSharpCompilation _compilation = null!;
    private CSharpCompilation _edited = null!;
    private GeneratorDriver _warm = null!;

    [GlobalSetup]
    public void Setup()
    {
        var source = new StringBuilder("using System; using FastBatch;\n");
        for (int i = 0; i < Methods; i++)
        {
            source.Append($$"""
                public static partial class Model{{i}}
                {
                    [Batchable] public static void Run([Row(8)] ReadOnlySpan<float> x, [Row(2)] Span<float> y) { }
                }

                """);
        }

        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        _compilation = CSharpCompilation.Create(
            "Models",
            [CSharpSyntaxTree.ParseText(source.ToString())],
            references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        _edited = _compilation.AddSyntaxTrees(CSharpSyntaxTree.ParseText("class Elsewhere;"));
        _warm = CSharpGeneratorDriver.Create(new BatchableGenerator()).RunGenerators(_compilation);
        if (_warm.GetRunResult().GeneratedTrees.Length != Methods)
        {
            throw new InvalidOperationException($"{_warm.GetRunResult().GeneratedTrees.Length} files were generated, not {Methods}.");
        }
    }

    [Benchmark(Baseline = true)]
    public GeneratorDriver First() => CSharpGeneratorDriver.Create(new BatchableGenerator()).RunGenerators(_compilation);

    [Benchmark]
    public GeneratorDriver AfterAnEditElsewhere() => _warm.RunGenerators(_edited);
}
