using System.Collections.Generic;
using System.Linq;

namespace FastBatch.Generators.Emitting;

/// <summary>One form of SubmitAsync: what it takes, and what its parameters and locals are called.</summary>
internal sealed class SubmitForm
{
    private readonly NameScope _scope;

    public SubmitForm(BatcherNames names, bool leases, bool inPlace, bool hasOptions)
    {
        Leases = leases;
        InPlace = inPlace;
        HasOptions = hasOptions;
        Inputs = inPlace ? [] : names.Inputs;
        Memories = leases ? [] : names.ArrayOutputs;
        Arrays = [.. Inputs.Where(static input => !input.IsScalar), .. Memories];

        // The parameters keep the names the user gave them; everything else gives way.
        _scope = new NameScope(Inputs.Concat(Memories).Select(static parameter => parameter.Name));
        State = _scope.Fresh("state");
        Write = _scope.Fresh("write");
        Options = _scope.Fresh("options");
        CancellationToken = _scope.Fresh("cancellationToken");
        Request = _scope.Fresh("request");
        Row = _scope.Fresh("row");
    }

    /// <summary>Whether the result is read where the method wrote it, rather than copied.</summary>
    public bool Leases { get; }

    /// <summary>Whether the row is written where the method reads it, rather than copied.</summary>
    public bool InPlace { get; }

    /// <summary>Whether the request has options of its own.</summary>
    public bool HasOptions { get; }

    /// <summary>The inputs passed to it.</summary>
    public IReadOnlyList<NamedParameter> Inputs { get; }

    /// <summary>The memory passed to it.</summary>
    public IReadOnlyList<NamedParameter> Memories { get; }

    /// <summary>What is passed to it and has a length.</summary>
    public IReadOnlyList<NamedParameter> Arrays { get; }

    public string State { get; }

    public string Write { get; }

    public string Options { get; }

    public string CancellationToken { get; }

    public string Request { get; }

    public string Row { get; }

    public string Member(string name) => _scope.Member(name);
}
