using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using FastBatch.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.FlowAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastBatch.Generators.Usage;

/// <summary>
/// Follows the tasks that are stored in locals along every path of a method, its lambdas and its local functions. A task is spent once it is
/// awaited, asked for its result, or handed on; where a spent one is used again, that is reported.
/// </summary>
/// <param name="tasks">The tasks and the locals they are stored in.</param>
/// <param name="report">Takes what is found.</param>
internal sealed class TaskFlow(IReadOnlyCollection<StoredTask> tasks, Action<Diagnostic> report)
{
    private readonly HashSet<ILocalSymbol> _locals = new(tasks.Select(static task => task.Local), SymbolEqualityComparer.Default);
    private readonly HashSet<SyntaxNode> _reported = [];

    // Locals that somewhere are asked whether they have completed: a result taken from them is not taken blindly.
    private readonly HashSet<ILocalSymbol> _looked = new(SymbolEqualityComparer.Default);

    /// <summary>Follows the tasks through one body and the functions in it.</summary>
    public void Follow(ControlFlowGraph graph)
    {
        FindLooks(graph);
        FollowAll(graph);
    }

    private void FindLooks(ControlFlowGraph graph)
    {
        foreach (ILocalReferenceOperation reference in Operations(graph).OfType<ILocalReferenceOperation>())
        {
            if (IsLook(reference))
            {
                _looked.Add(reference.Local);
            }
        }

        foreach (ControlFlowGraph inner in Functions(graph))
        {
            FindLooks(inner);
        }
    }

    private void FollowAll(ControlFlowGraph graph)
    {
        var entries = new ImmutableHashSet<ILocalSymbol>?[graph.Blocks.Length];
        entries[0] = ImmutableHashSet.Create<ILocalSymbol>(SymbolEqualityComparer.Default);
        var pending = new Queue<BasicBlock>([graph.Blocks[0]]);
        while (pending.Count > 0)
        {
            BasicBlock block = pending.Dequeue();
            var walk = new Walk(this, graph, entries[block.Ordinal]!, reports: false);
            walk.Through(block);
            foreach ((BasicBlock next, ImmutableHashSet<ILocalSymbol> spent) in Successors(graph, block, entries[block.Ordinal]!, walk.Spent))
            {
                ImmutableHashSet<ILocalSymbol>? known = entries[next.Ordinal];
                ImmutableHashSet<ILocalSymbol> all = known?.Union(spent) ?? spent;
                if (known is null || all.Count > known.Count)
                {
                    entries[next.Ordinal] = all;
                    pending.Enqueue(next);
                }
            }
        }

        foreach (BasicBlock block in graph.Blocks)
        {
            if (entries[block.Ordinal] is { } entry)
            {
                new Walk(this, graph, entry, reports: true).Through(block);
            }
        }

        foreach (ControlFlowGraph inner in Functions(graph))
        {
            FollowAll(inner);
        }
    }

    private IEnumerable<(BasicBlock Next, ImmutableHashSet<ILocalSymbol> Spent)> Successors(
        ControlFlowGraph graph, BasicBlock block, ImmutableHashSet<ILocalSymbol> before, ImmutableHashSet<ILocalSymbol> after)
    {
        foreach (ControlFlowBranch? branch in new[] { block.FallThroughSuccessor, block.ConditionalSuccessor })
        {
            if (branch?.Destination is { } destination)
            {
                // Finally blocks run on the way. What they spend is spent, but what other ways through them spent is not.
                ImmutableHashSet<ILocalSymbol> spent = after;
                foreach (ControlFlowRegion region in branch.FinallyRegions)
                {
                    yield return (graph.Blocks[region.FirstBlockOrdinal], spent);
                    spent = spent.Union(SpentIn(graph, region));
                }

                yield return (destination, spent);
            }
        }

        // Any operation may throw, before or after it has spent a task. The root of a function lies in a region of the one around it.
        for (ControlFlowRegion? region = block.EnclosingRegion; region is { Kind: not ControlFlowRegionKind.Root }; region = region.EnclosingRegion)
        {
            if (region is { Kind: ControlFlowRegionKind.Try, EnclosingRegion: { } whole })
            {
                foreach (ControlFlowRegion handler in whole.NestedRegions.Where(candidate => candidate != region))
                {
                    yield return (graph.Blocks[handler.FirstBlockOrdinal], before.Union(after));
                }
            }
        }
    }

    private ImmutableHashSet<ILocalSymbol> SpentIn(ControlFlowGraph graph, ControlFlowRegion region)
    {
        ImmutableHashSet<ILocalSymbol> spent = ImmutableHashSet.Create<ILocalSymbol>(SymbolEqualityComparer.Default);
        for (int i = region.FirstBlockOrdinal; i <= region.LastBlockOrdinal; i++)
        {
            var walk = new Walk(this, graph, spent, reports: false);
            walk.Through(graph.Blocks[i]);
            spent = spent.Union(walk.Spent);
        }

        return spent;
    }

    private void Report(DiagnosticDescriptor descriptor, SyntaxNode at, ILocalSymbol local)
    {
        if (_reported.Add(at))
        {
            StoredTask[] stored = [.. tasks.Where(task => SymbolEqualityComparer.Default.Equals(task.Local, local))];
            report(Diagnostic.Create(
                descriptor, at.GetLocation(), stored.Select(static task => task.Call.Syntax.GetLocation()), SubmitChecks.NameOf(stored[0].Call), local.Name));
        }
    }

    // Questions that may be put to a task before it is awaited, any number of times.
    private static bool IsLook(ILocalReferenceOperation reference) => reference.Parent is IPropertyReferenceOperation
    {
        Property.Name: "IsCompleted" or "IsCompletedSuccessfully" or "IsFaulted" or "IsCanceled",
    };

    private static IEnumerable<IOperation> Operations(ControlFlowGraph graph) => graph.Blocks
        .SelectMany(static block => block.BranchValue is { } value ? block.Operations.Append(value) : block.Operations)
        .SelectMany(static operation => operation.DescendantsAndSelf());

    private static IEnumerable<ControlFlowGraph> Functions(ControlFlowGraph graph) =>
    [
        .. graph.LocalFunctions.Select(function => graph.GetLocalFunctionControlFlowGraph(function)),
        .. Operations(graph).OfType<IFlowAnonymousFunctionOperation>().Select(lambda => graph.GetAnonymousFunctionControlFlowGraph(lambda)),
    ];

    /// <summary>One block, in the order it executes.</summary>
    private sealed class Walk(TaskFlow flow, ControlFlowGraph graph, ImmutableHashSet<ILocalSymbol> spent, bool reports)
    {
        public ImmutableHashSet<ILocalSymbol> Spent { get; private set; } = spent;

        public void Through(BasicBlock block)
        {
            foreach (IOperation operation in block.Operations)
            {
                Visit(operation);
            }

            if (block.BranchValue is { } value)
            {
                Visit(value);
            }
        }

        private void Visit(IOperation operation)
        {
            if (operation is ISimpleAssignmentOperation { Target: ILocalReferenceOperation target } assignment)
            {
                Visit(assignment.Value);
                Spent = Spent.Remove(target.Local);
                return;
            }

            foreach (IOperation child in operation.ChildOperations)
            {
                Visit(child);
            }

            switch (operation)
            {
                case ILocalReferenceOperation reference when flow._locals.Contains(reference.Local):
                    Use(reference);
                    break;
                case IFlowAnonymousFunctionOperation lambda:
                    SpendCaptured(graph.GetAnonymousFunctionControlFlowGraph(lambda), lambda.Symbol, at: null);
                    break;
                case IInvocationOperation { TargetMethod.MethodKind: MethodKind.LocalFunction } call
                    when graph.LocalFunctions.Contains(call.TargetMethod, SymbolEqualityComparer.Default):
                    SpendCaptured(graph.GetLocalFunctionControlFlowGraph(call.TargetMethod), call.TargetMethod, call.Syntax);
                    break;
            }
        }

        private void Use(ILocalReferenceOperation reference)
        {
            if (IsLook(reference))
            {
                return;
            }

            // Somebody else may store another one in it.
            if (reference.Parent is IArgumentOperation { Parameter.RefKind: RefKind.Ref or RefKind.Out })
            {
                Spent = Spent.Remove(reference.Local);
                return;
            }

            if (Spent.Contains(reference.Local))
            {
                Report(Descriptors.AwaitedAgain, reference.Syntax, reference.Local);
            }
            else if (!flow._looked.Contains(reference.Local) && SubmitChecks.ResultOf(reference) is { } result)
            {
                Report(Descriptors.TakenTooEarly, result.Syntax, reference.Local);
            }

            Spent = Spent.Add(reference.Local);
        }

        // A function that uses a local of the method around it spends it where it is made or called.
        private void SpendCaptured(ControlFlowGraph function, IMethodSymbol symbol, SyntaxNode? at)
        {
            foreach (ILocalReferenceOperation reference in Operations(function).OfType<ILocalReferenceOperation>()
                .Where(reference => flow._locals.Contains(reference.Local) && !IsLook(reference))
                .Where(reference => !SymbolEqualityComparer.Default.Equals(reference.Local.ContainingSymbol, symbol))
                .GroupBy<ILocalReferenceOperation, ISymbol>(static reference => reference.Local, SymbolEqualityComparer.Default)
                .Select(static references => references.First()))
            {
                if (Spent.Contains(reference.Local))
                {
                    Report(Descriptors.AwaitedAgain, at ?? reference.Syntax, reference.Local);
                }

                Spent = Spent.Add(reference.Local);
            }
        }

        private void Report(DiagnosticDescriptor descriptor, SyntaxNode at, ILocalSymbol local)
        {
            if (reports)
            {
                flow.Report(descriptor, at, local);
            }
        }
    }
}
