using System.Linq;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>What must be known of an assembly that uses TorchSharp. By names alone: the generator references nothing that has them.</summary>
internal static class TorchSharpFacts
{
    private const string Native = "FastBatch.Native";

    /// <summary>Whether the type derives from <c>TorchSharp.torch.nn.Module</c>.</summary>
    public static bool IsModule(INamedTypeSymbol type) => ContainingTypes.WithBases(type).Any(static current =>
        current is { MetadataName: "Module", ContainingType: { MetadataName: "nn", ContainingType: { } torch } }
        && torch.Is("TorchSharp", "torch"));

    public static TorchSharpGlueSpec GlueOf(IMethodSymbol method)
    {
        // The method has errors if it has no module; there is nothing to generate then.
        IModuleSymbol? module = method.ContainingModule;
        string assembly = method.ContainingAssembly?.Name ?? "";
        string name = new([.. assembly.Select(static character => char.IsLetterOrDigit(character) ? character : '_')]);
        bool hasNative = module is not null && module.ReferencedAssemblies.Any(static reference => reference.Name == Native);
        return new TorchSharpGlueSpec($"FastBatch.Generated.For_{name}", hasNative);
    }
}
