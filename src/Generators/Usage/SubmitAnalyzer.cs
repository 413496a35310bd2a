using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastBatch.Generators.Usage;

/// <summary>
/// Known mistakes with what <c>SubmitAsync</c> returns. Its task is backed by a pooled request, so it is awaited once and soon; a lease holds
/// pooled memory, so it is disposed.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SubmitAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
    [
        Descriptors.AwaitedAgain,
        Descriptors.TakenTooEarly,
        Descriptors.Forgotten,
        Descriptors.TaskKept,
        Descriptors.LeaseKept,
    ];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterCompilationStartAction(static start =>
        {
            if (start.Compilation.GetTypeByMetadataName(SubmitCalls.BatcherName) is { } batcher)
            {
                var submits = new SubmitCalls(batcher);
                start.RegisterOperationBlockStartAction(block => Watch(block, submits));
            }
        });
    }

    private static void Watch(OperationBlockStartAnalysisContext block, SubmitCalls submits)
    {
        var stored = new ConcurrentBag<StoredTask>();
        block.RegisterOperationAction(
            operation =>
            {
                var call = (IInvocationOperation)operation.Operation;
                if (submits.Contains(call) && SubmitChecks.Check(call, operation.ReportDiagnostic) is { } task)
                {
                    stored.Add(task);
                }
            },
            OperationKind.Invocation);

        // Locals are followed once all of the block's calls are known.
        block.RegisterOperationBlockEndAction(end =>
        {
            foreach (IOperation root in end.OperationBlocks)
            {
                StoredTask[] tasks = [.. stored.Where(task => task.Call.Syntax.SyntaxTree == root.Syntax.SyntaxTree
                    && root.Syntax.Span.Contains(task.Call.Syntax.Span))];
                if (tasks.Length > 0)
                {
                    new TaskFlow(tasks, end.ReportDiagnostic).Follow(end.GetControlFlowGraph(root));
                }
            }
        });
    }
}
