using System.Collections.Generic;
using System.Linq;

namespace FastBatch.Generators.Specs;

/// <summary>
/// All that a batcher's source is written from; names are not escaped before they are written. The value that travels through the
/// incremental pipeline: it holds no symbol, syntax or location, so that it neither keeps a compilation alive nor differs where the
/// source would not.
/// </summary>
/// <param name="HintName">The file's name.</param>
/// <param name="Namespace">The namespace; null for the global one.</param>
/// <param name="Types">The types around the method, outermost first.</param>
/// <param name="TargetType">The innermost of them, fully qualified.</param>
/// <param name="BatcherName">What <c>Batcher.Name</c> says: <c>Type.Method</c>, with the stem for the method.</param>
/// <param name="MethodName">The method.</param>
/// <param name="Family">What it takes and returns, and so how it is called.</param>
/// <param name="Stem">What the generated names are made of.</param>
/// <param name="Accessibility">Of the method, and so of all that is generated.</param>
/// <param name="IsStatic">Whether the method needs no instance.</param>
/// <param name="IsOverloaded">Whether other methods share its name, so that a reference to it by name alone would be ambiguous.</param>
/// <param name="MayHideInherited">Whether a base type may have a batcher of the same name.</param>
/// <param name="UsesObsolete">Whether the method, a type around it or an element type is marked obsolete.</param>
/// <param name="MaxBatchSize">The attribute's setting.</param>
/// <param name="MaxQueueDelayMicroseconds">The attribute's setting.</param>
/// <param name="DeadlineMicroseconds">The attribute's setting.</param>
/// <param name="UseCudaGraphs">The attribute's setting.</param>
/// <param name="IsModule">Whether the instance is a module of TorchSharp, which knows training from evaluation.</param>
/// <param name="Glue">What batchers over TorchSharp's tensors share; null for every other family.</param>
/// <param name="Registration">How the batcher is added to a service; null where it cannot be.</param>
/// <param name="Parameters">The inputs and outputs, in the order of the method: its parameters, then what it returns.</param>
internal sealed record MethodSpec(
    string HintName,
    string? Namespace,
    EquatableArray<TypeSpec> Types,
    string TargetType,
    string BatcherName,
    string MethodName,
    MethodFamily Family,
    string Stem,
    string Accessibility,
    bool IsStatic,
    bool IsOverloaded,
    bool MayHideInherited,
    bool UsesObsolete,
    int MaxBatchSize,
    int MaxQueueDelayMicroseconds,
    int DeadlineMicroseconds,
    bool UseCudaGraphs,
    bool IsModule,
    TorchSharpGlueSpec? Glue,
    RegistrationSpec? Registration,
    EquatableArray<ParameterSpec> Parameters)
{
    /// <summary>Whether a result can be read where the method wrote it. A single value is better copied.</summary>
    public bool HasLease => Outputs.Any(static output => !output.IsScalar);

    /// <summary>Whether a row can be written where the method reads it. Single values are better passed.</summary>
    public bool HasWriter => Inputs.Any(static input => !input.IsScalar);

    /// <summary>Whether the leased row has several parts, and so needs a type of its own.</summary>
    public bool HasLeaseType => HasLease && Outputs.Skip(1).Any();

    /// <summary>Whether the row written in place has several parts, and so needs a type of its own.</summary>
    public bool HasRowType => HasWriter && Inputs.Skip(1).Any();

    /// <summary>Whether the outputs are returned, rather than written to parameters.</summary>
    public bool ReturnsOutputs => Family != MethodFamily.Spans;

    private IEnumerable<ParameterSpec> Inputs => Parameters.Where(static parameter => parameter.IsInput);

    private IEnumerable<ParameterSpec> Outputs => Parameters.Where(static parameter => !parameter.IsInput);
}
