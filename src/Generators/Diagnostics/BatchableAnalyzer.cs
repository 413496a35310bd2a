using System.Collections.Immutable;
using System.Linq;
using FastBatch.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastBatch.Generators.Diagnostics;

/// <summary>
/// Says why a <c>[Batchable]</c> method has no batcher. Apart from the generator, so that source locations, which every edit moves, stay
/// out of its pipeline; both run the same parser, so that a method is refused with a reason or served.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BatchableAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
    [
        Descriptors.TypeNotPartial,
        Descriptors.UnsupportedContainer,
        Descriptors.UnsupportedMethodKind,
        Descriptors.UnsupportedReturnType,
        Descriptors.AsyncVoid,
        Descriptors.GenericMethod,
        Descriptors.UnsupportedParameterType,
        Descriptors.ParameterModifier,
        Descriptors.ElementNotUnmanaged,
        Descriptors.MissingRow,
        Descriptors.RowDimension,
        Descriptors.RowTooLarge,
        Descriptors.NoInput,
        Descriptors.NoOutput,
        Descriptors.BatchDimOutOfRange,
        Descriptors.FlatSpanNotAtFront,
        Descriptors.MaxBatchSizeTooSmall,
        Descriptors.NegativeQueueDelay,
        Descriptors.NegativeDeadline,
        Descriptors.InvalidName,
        Descriptors.DuplicateName,
        Descriptors.NameTaken,
        Descriptors.LanguageTooOld,
        Descriptors.NotATensorElement,
        Descriptors.MixedFamilies,
        Descriptors.RowsOfResults,
        Descriptors.SeveralRows,
        Descriptors.RowDisagrees,
        Descriptors.RowOfNothing,
        Descriptors.Synchronizes,
        Descriptors.TrainingCall,
        Descriptors.ScopeKept,
        Descriptors.KeptTensorReturned,
        Descriptors.InputKept,
    ];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();

        // What another generator wrote, this one does not see either.
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterCompilationStartAction(static start =>
        {
            if (start.Compilation.GetTypeByMetadataName(BatchableGenerator.AttributeName) is not { } attributeType)
            {
                return;
            }

            start.RegisterSymbolAction(
                symbol =>
                {
                    // Both parts of a partial method have the attributes of both; one report is enough.
                    if (symbol.Symbol is IMethodSymbol { PartialDefinitionPart: null } method)
                    {
                        Check(method, attributeType, new Refusals(symbol.ReportDiagnostic));
                    }
                },
                SymbolKind.Method);

            start.RegisterOperationBlockAction(block =>
            {
                if (block.OwningSymbol is IMethodSymbol method && AttributeOf(method, attributeType) is not null)
                {
                    TorchSharpChecks.Check(method, block.OperationBlocks, block.ReportDiagnostic);
                }
            });

            // Local functions and lambdas are no members: symbol actions pass them over.
            start.RegisterSyntaxNodeAction(
                node =>
                {
                    ISymbol? function = node.SemanticModel.GetDeclaredSymbol(node.Node, node.CancellationToken)
                        ?? node.SemanticModel.GetSymbolInfo(node.Node, node.CancellationToken).Symbol;
                    if (function is IMethodSymbol method)
                    {
                        Check(method, attributeType, new Refusals(node.ReportDiagnostic));
                    }
                },
                SyntaxKind.LocalFunctionStatement,
                SyntaxKind.ParenthesizedLambdaExpression);
        });
    }

    private static void Check(IMethodSymbol method, INamedTypeSymbol attributeType, Refusals refusals)
    {
        if (AttributeOf(method, attributeType) is { } attribute)
        {
            MethodParser.Parse(method, attribute, refusals, default);
        }
    }

    private static AttributeData? AttributeOf(IMethodSymbol method, INamedTypeSymbol attributeType) => method.GetAttributes().FirstOrDefault(
        candidate => SymbolEqualityComparer.Default.Equals(candidate.AttributeClass, attributeType));
}
