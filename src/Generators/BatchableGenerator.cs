using System.Linq;
using FastBatch.Generators.Emitting;
using FastBatch.Generators.Parsing;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.Generators;

/// <summary>
/// Writes a batcher for each <c>[Batchable]</c> method. Methods that cannot have one are passed over here;
/// <see cref="Diagnostics.BatchableAnalyzer"/> runs the same parser and says why.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class BatchableGenerator : IIncrementalGenerator
{
    internal const string AttributeName = "FastBatch.BatchableAttribute";
    internal const string ParseStep = "Parse";
    internal const string SpecStep = "Spec";
    internal const string GlueStep = "Glue";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        // 1. A marked method becomes a spec: strings and numbers, equal as long as the batcher would be the same.
        IncrementalValuesProvider<MethodSpec> specs = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                AttributeName,
                static (node, _) => node is MethodDeclarationSyntax,
                static (marked, cancellationToken) =>
                    MethodParser.Parse((IMethodSymbol)marked.TargetSymbol, marked.Attributes[0], new Refusals(), cancellationToken))
            .WithTrackingName(ParseStep)
            .Where(static spec => spec is not null)
            .Select(static (spec, _) => spec!)
            .WithTrackingName(SpecStep);

        // 2. A spec, and nothing else, becomes a file.
        context.RegisterSourceOutput(specs, static (production, spec) => production.AddSource(spec.HintName, BatcherEmitter.Emit(spec)));

        // 3. What batchers over TorchSharp's tensors share is a file of its own, if there are any.
        IncrementalValueProvider<TorchSharpGlueSpec?> glue = specs
            .Select(static (spec, _) => spec.Glue)
            .Where(static glue => glue is not null)
            .Collect()
            .Select(static (glues, _) => glues.FirstOrDefault())
            .WithTrackingName(GlueStep);
        context.RegisterSourceOutput(glue, static (production, spec) =>
        {
            if (spec is not null)
            {
                production.AddSource(TorchSharpGlue.HintName, TorchSharpGlue.Emit(spec));
            }
        });
    }
}
