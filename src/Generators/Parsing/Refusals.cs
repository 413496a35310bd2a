using System;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>Collects why a method is refused. The generator only asks whether it is; the analyzer passes the reasons on.</summary>
internal sealed class Refusals(Action<Diagnostic>? report = null)
{
    /// <summary>Whether there is a reason.</summary>
    public bool Any { get; private set; }

    public void Add(DiagnosticDescriptor descriptor, Location location, params object?[] arguments)
    {
        Any = true;
        report?.Invoke(Diagnostic.Create(descriptor, location, arguments));
    }

    /// <summary>The compiler has reported an error at the same place; another one would only repeat it.</summary>
    public void AddSilently() => Any = true;
}
