using System.Collections.Generic;
using FastBatch.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastBatch.Generators.Parsing;

/// <summary>The arguments of <c>[Batchable]</c>, with the defaults of the attribute for those not given.</summary>
internal sealed class BatchableSettings
{
    private const int DefaultMaxBatchSize = 64;

    private readonly IMethodSymbol _method;
    private readonly AttributeData _attribute;

    private BatchableSettings(IMethodSymbol method, AttributeData attribute)
    {
        _method = method;
        _attribute = attribute;
    }

    public int BatchDim { get; private set; }

    public int OutputBatchDim { get; private set; }

    public int MaxBatchSize { get; private set; } = DefaultMaxBatchSize;

    public int MaxQueueDelayMicroseconds { get; private set; }

    public int DeadlineMicroseconds { get; private set; }

    public bool UseCudaGraphs { get; private set; }

    /// <summary>What the generated names are made of.</summary>
    public string Stem { get; private set; } = "";

    /// <summary>What the author can change to change the generated names.</summary>
    public Location StemLocation => IsGiven(nameof(Name)) ? LocationOf(nameof(Name)) : Locations.Identifier(_method);

    private string? Name { get; set; }

    /// <summary>Reads the arguments and refuses the impossible ones.</summary>
    public static BatchableSettings Read(IMethodSymbol method, AttributeData attribute, Refusals refusals)
    {
        var settings = new BatchableSettings(method, attribute);
        settings.BatchDim = settings.ReadInt(nameof(BatchDim), 0);
        settings.OutputBatchDim = settings.ReadInt(nameof(OutputBatchDim), settings.BatchDim);
        settings.MaxBatchSize = settings.ReadInt(nameof(MaxBatchSize), DefaultMaxBatchSize);
        settings.MaxQueueDelayMicroseconds = settings.ReadInt(nameof(MaxQueueDelayMicroseconds), 0);
        settings.DeadlineMicroseconds = settings.ReadInt(nameof(DeadlineMicroseconds), 0);
        settings.UseCudaGraphs = settings.Argument(nameof(UseCudaGraphs))?.Value as bool? ?? false;
        settings.Name = settings.Argument(nameof(Name))?.Value as string;
        settings.Stem = settings.Name ?? method.Name;
        settings.Check(refusals);
        return settings;
    }

    /// <summary>The argument that decides the batch dimension: outputs follow the inputs unless told otherwise.</summary>
    public string DimensionArgument(bool isInput) =>
        isInput || !IsGiven(nameof(OutputBatchDim)) ? nameof(BatchDim) : nameof(OutputBatchDim);

    public Location LocationOf(string argument) => Locations.NamedArgument(_attribute, argument, _method);

    private void Check(Refusals refusals)
    {
        foreach (string argument in (string[])[nameof(BatchDim), nameof(OutputBatchDim)])
        {
            if (ReadInt(argument, 0) is < 0 and int dimension)
            {
                const string Accepted = "0, for the first dimension, or more";
                refusals.Add(Descriptors.BatchDimOutOfRange, LocationOf(argument), argument, dimension, Accepted);
            }
        }

        if (MaxBatchSize < 1)
        {
            refusals.Add(Descriptors.MaxBatchSizeTooSmall, LocationOf(nameof(MaxBatchSize)), MaxBatchSize);
        }

        if (MaxQueueDelayMicroseconds < 0)
        {
            refusals.Add(Descriptors.NegativeQueueDelay, LocationOf(nameof(MaxQueueDelayMicroseconds)), MaxQueueDelayMicroseconds);
        }

        if (DeadlineMicroseconds < 0)
        {
            refusals.Add(Descriptors.NegativeDeadline, LocationOf(nameof(DeadlineMicroseconds)), DeadlineMicroseconds);
        }

        if (Name is not null && !SyntaxFacts.IsValidIdentifier(Name))
        {
            refusals.Add(Descriptors.InvalidName, LocationOf(nameof(Name)), Name, _method.Name);
        }
    }

    private int ReadInt(string name, int unset) => Argument(name)?.Value as int? ?? unset;

    private bool IsGiven(string name) => Argument(name) is not null;

    private TypedConstant? Argument(string name)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in _attribute.NamedArguments)
        {
            if (argument.Key == name)
            {
                return argument.Value;
            }
        }

        return null;
    }
}
