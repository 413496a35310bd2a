using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Specs;

namespace FastBatch.Generators.Emitting;

/// <summary>An input or output with the names that stand for it in the batcher.</summary>
/// <param name="Spec">The input or output.</param>
/// <param name="Name">What callers know it by.</param>
/// <param name="Field">The field of an input's rows.</param>
/// <param name="Property">The property of the row or lease that callers see.</param>
/// <param name="Member">The property of the classes that only the batcher sees.</param>
/// <param name="Tensors">The field of the tensors over an input's rows, where such are kept.</param>
internal sealed record NamedParameter(ParameterSpec Spec, string Name, string Field, string Property, string Member, string Tensors)
{
    /// <summary>The parameter of <c>SubmitAsync</c>.</summary>
    public string Argument => Identifiers.Escape(Name);

    public string Element => Spec.ElementType;

    public bool IsScalar => Spec.IsScalar;
}

/// <summary>
/// The names inside one batcher, none of which hides another or a member of the runtime's types. Parameters may be called anything, and
/// may differ by case or underscores alone.
/// </summary>
internal sealed class BatcherNames
{
    /// <summary>What a public property may not be called.</summary>
    internal static readonly string[] MembersOfObject =
    [
        "Equals", "Finalize", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString",
    ];

    /// <summary>The same for properties of what derives from OutputSlab and PendingRequest. Friends see internal members, too.</summary>
    internal static readonly string[] MembersOfRuntime =
    [
        "Begin", "Consume", "Deadline", "Deliver", "Enqueued", "FindNonFinite", "Forget", "GetStatus", "Home", "IsLent", "IsOnLoan", "IsPending",
        "Lend", "MaxRows", "NextFree", "NoteOrigin", "OnCompleted", "Open", "Origin", "PoisonDelivered", "Poisons", "Recycle", "Release",
        "RequiresFinite", "Result", "SignOff", "SlabMemory", "TakeBack", "Ticket", "TryDeliver", "TryFail", "TryListen", "TryRefuse",
        "Version",
    ];

    public BatcherNames(MethodSpec method)
    {
        // A type nested in the batcher hides a type parameter of the same name; every other type is written in full.
        var types = new NameScope(method.Types.SelectMany(static type => type.TypeParameters));
        Outputs = types.Fresh("Outputs");
        CopyRequest = types.Fresh("CopyRequest");
        LeaseRequest = types.Fresh("LeaseRequest");
        Lease = types.Fresh("Lease");
        Row = types.Fresh("Row");
        RowWriter = types.Fresh("RowWriter");

        string[] given = NamesOf(method);
        State = new NameScope([.. given, .. method.Types.SelectMany(static type => type.TypeParameters)]).Fresh("TState");
        var fields = new NameScope(given);
        var properties = new NameScope([.. MembersOfObject, "Dispose", Lease, Row]);
        var members = new NameScope([.. MembersOfObject, .. MembersOfRuntime, Outputs, CopyRequest]);
        NamedParameter[] parameters =
        [
            .. method.Parameters.Select((parameter, index) =>
            {
                string name = Identifiers.Pascal(given[index]);
                return new NamedParameter(
                    parameter,
                    given[index],
                    fields.Fresh(Identifiers.Field(name)),
                    properties.Fresh(name),
                    members.Fresh(name),
                    fields.Fresh(Identifiers.Field(name) + "Tensors"));
            }),
        ];
        Inputs = [.. parameters.Where(static parameter => parameter.Spec.IsInput)];
        AllOutputs = [.. parameters.Where(static parameter => !parameter.Spec.IsInput)];
        ArrayOutputs = [.. AllOutputs.Where(static output => !output.IsScalar)];
        ScalarOutputs = [.. AllOutputs.Where(static output => output.IsScalar)];
        Parameters = parameters;

        Models = fields.Fresh("_models");
        CopyRequests = fields.Fresh("_copyRequests");
        LeaseRequests = fields.Fresh("_leaseRequests");
        Held = properties.Fresh("Held");
    }

    /// <summary>The inputs and outputs, in the order of the method.</summary>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    public IReadOnlyList<NamedParameter> Inputs { get; }

    public IReadOnlyList<NamedParameter> AllOutputs { get; }

    public IReadOnlyList<NamedParameter> ArrayOutputs { get; }

    public IReadOnlyList<NamedParameter> ScalarOutputs { get; }

    /// <summary>The class of one batch's outputs.</summary>
    public string Outputs { get; }

    public string CopyRequest { get; }

    public string LeaseRequest { get; }

    /// <summary>The type of a leased row of several outputs.</summary>
    public string Lease { get; }

    /// <summary>The type of a row of several inputs, written in place.</summary>
    public string Row { get; }

    public string RowWriter { get; }

    /// <summary>The type parameter of the forms that write in place.</summary>
    public string State { get; }

    /// <summary>The field of the instance that is served.</summary>
    public string Models { get; }

    public string CopyRequests { get; }

    public string LeaseRequests { get; }

    /// <summary>The private property of the lease that refuses an empty one.</summary>
    public string Held { get; }

    // Parameters keep the names the user gave them. What is returned becomes a parameter of SubmitAsync, and is written like one.
    private static string[] NamesOf(MethodSpec method)
    {
        if (!method.ReturnsOutputs)
        {
            return [.. method.Parameters.Select(static parameter => parameter.Name)];
        }

        var scope = new NameScope(method.Parameters.Where(static parameter => parameter.IsInput).Select(static input => input.Name));
        return
        [
            .. method.Parameters.Select(parameter =>
                parameter.IsInput ? parameter.Name : scope.Fresh(Identifiers.Camel(parameter.Name))),
        ];
    }
}
