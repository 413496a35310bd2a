using FastBatch.Generators.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastBatch.Generators.Usage;

/// <summary>Which calls submit a request: those of a batcher's methods named Submit... that return a <c>ValueTask</c>.</summary>
internal sealed class SubmitCalls(INamedTypeSymbol batcher)
{
    public const string BatcherName = "FastBatch.Batcher";

    public bool Contains(IInvocationOperation call)
    {
        IMethodSymbol method = call.TargetMethod;
        return method.Name.StartsWith("Submit", System.StringComparison.Ordinal) && IsBatcher(method.ContainingType) && IsTask(method.ReturnType);
    }

    public static bool IsTask(ITypeSymbol type) =>
        type.Is("System.Threading.Tasks", "ValueTask") || type.Is("System.Threading.Tasks", "ValueTask`1");

    private bool IsBatcher(INamedTypeSymbol? type)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(type, batcher))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A request whose task is stored in a local.</summary>
/// <param name="Call">The call that submits.</param>
/// <param name="Local">Where its task is.</param>
internal readonly record struct StoredTask(IInvocationOperation Call, ILocalSymbol Local);
