using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Diagnostics;

/// <summary>What FastBatch says about methods it cannot serve, and about mistakes in those it does. Each id has a page in docs/diagnostics; ids are never used again.</summary>
internal static class Descriptors
{
    public static readonly DiagnosticDescriptor TypeNotPartial = Error(
        "FB0001",
        "A type with a [Batchable] method must be partial",
        "'{0}' is not partial, so the batcher of '{1}' cannot be added to it; declare it 'partial {2} {0}'");

    public static readonly DiagnosticDescriptor UnsupportedContainer = Error(
        "FB0002",
        "This type cannot have a [Batchable] method",
        "'{0}' cannot be served: {1}; accepted: instance and static methods of classes and records, static methods of structs");

    public static readonly DiagnosticDescriptor UnsupportedMethodKind = Error(
        "FB0003",
        "This kind of method cannot be [Batchable]",
        "[Batchable] stands on {0}; accepted: named methods of a class, record or struct");

    public static readonly DiagnosticDescriptor UnsupportedReturnType = Error(
        "FB0004",
        "This return type is not supported",
        "'{0}' returns '{1}'; accepted: {2}");

    public static readonly DiagnosticDescriptor AsyncVoid = Error(
        "FB0005",
        "A [Batchable] method is not async",
        "'{0}' is async void, so nothing would know when its results are there; accepted: {1}");

    public static readonly DiagnosticDescriptor GenericMethod = Error(
        "FB0006",
        "A [Batchable] method has no type parameters",
        "'{0}' has type parameters, for which a batcher would have no types; accepted: a method without, in a generic type if need be");

    public static readonly DiagnosticDescriptor UnsupportedParameterType = Error(
        "FB0007",
        "This parameter type is not supported",
        "Parameter '{0}' is '{1}'; accepted: {2}");

    public static readonly DiagnosticDescriptor ParameterModifier = Error(
        "FB0008",
        "A parameter of a [Batchable] method is plain",
        "Parameter '{0}' is {1}; accepted: a parameter passed by value, without params and without a default");

    public static readonly DiagnosticDescriptor ElementNotUnmanaged = Error(
        "FB0009",
        "The element type must be unmanaged",
        "Parameter '{0}' has elements of type '{1}', which is not unmanaged; accepted: numbers, bool, char, enums, structs of "
        + "these, and type parameters constrained to unmanaged");

    public static readonly DiagnosticDescriptor MissingRow = Error(
        "FB0010",
        "A tensor needs [Row]",
        "{0} without the shape of a row; add {1}");

    public static readonly DiagnosticDescriptor RowDimension = Error(
        "FB0011",
        "A dimension of [Row] is at least 1",
        "Dimension {1} of [Row] on {0} is {2}; accepted: 1 or more");

    public static readonly DiagnosticDescriptor RowTooLarge = Error(
        "FB0012",
        "A row is too large",
        "A row of {0} has {1} elements; accepted: at most {2}");

    public static readonly DiagnosticDescriptor NoInput = Error(
        "FB0013",
        "A [Batchable] method has an input",
        "'{0}' has no input, so there is nothing to batch; accepted: at least one parameter of type {1}");

    public static readonly DiagnosticDescriptor NoOutput = Error(
        "FB0014",
        "A [Batchable] method has an output",
        "'{0}' has no output, so callers would get nothing; accepted: {1}");

    public static readonly DiagnosticDescriptor BatchDimOutOfRange = Error(
        "FB0015",
        "The batch dimension is out of range",
        "{0} is {1}; accepted: {2}");

    public static readonly DiagnosticDescriptor FlatSpanNotAtFront = Error(
        "FB0016",
        "A flat span has the batch in front",
        "{0} is {1}, but parameter '{2}' is a flat span, whose rows follow one another; accepted: {3} in its place, or {4}");

    public static readonly DiagnosticDescriptor MaxBatchSizeTooSmall = Error(
        "FB0017",
        "MaxBatchSize is at least 1",
        "MaxBatchSize is {0}; accepted: 1 or more");

    public static readonly DiagnosticDescriptor NegativeQueueDelay = Error(
        "FB0018",
        "MaxQueueDelayMicroseconds is not negative",
        "MaxQueueDelayMicroseconds is {0}; accepted: 0, to run as soon as the device is free, or more");

    public static readonly DiagnosticDescriptor InvalidName = Error(
        "FB0019",
        "Name must be an identifier",
        "Name is \"{0}\", of which no names can be made; accepted: a C# identifier, such as \"{1}\"");

    public static readonly DiagnosticDescriptor DuplicateName = Error(
        "FB0020",
        "Two [Batchable] methods would have batchers of one name",
        "The batchers of '{0}' and '{1}' would have the same names; accepted: a Name of its own for each, as in "
        + "[Batchable(Name = \"{2}\")]");

    public static readonly DiagnosticDescriptor NameTaken = Error(
        "FB0021",
        "A generated name is taken",
        "The batcher of '{0}' needs the name '{1}' in '{2}', which is taken; accepted: another name there, or one made with "
        + "[Batchable(Name = \"...\")]");

    public static readonly DiagnosticDescriptor LanguageTooOld = Error(
        "FB0022",
        "FastBatch needs C# 13",
        "The batcher of '{0}' is written in C# 13, but the project is compiled as C# {1}; accepted: LangVersion 13 or higher, or none");

    public static readonly DiagnosticDescriptor NotATensorElement = Error(
        "FB0023",
        "Tensors have no elements of this type",
        "[Row<{0}>] stands on {1}, but no {2} has elements of that type; accepted: {3}");

    public static readonly DiagnosticDescriptor MixedFamilies = Error(
        "FB0024",
        "A [Batchable] method is over tensors or over spans",
        "Parameter '{0}' is '{1}' in a method over {2}; accepted: {2} for each input, with the results returned, or spans for all of them");

    public static readonly DiagnosticDescriptor RowsOfResults = Error(
        "FB0025",
        "Each result has one [Row]",
        "'{0}' returns {1} of {2}, but has {3} [return: Row]; accepted: as many, in the same order, as in [return: Row(10), Row<long>]");

    public static readonly DiagnosticDescriptor SeveralRows = Error(
        "FB0026",
        "A parameter has one [Row]",
        "Parameter '{0}' has {1} [Row]; accepted: one");

    public static readonly DiagnosticDescriptor RowDisagrees = Error(
        "FB0027",
        "[Row] agrees with the span",
        "[Row<{0}>] stands on parameter '{1}', whose elements are of type '{2}'; accepted: [Row] without a type, which the span has, or "
        + "the same");

    public static readonly DiagnosticDescriptor RowOfNothing = Error(
        "FB0028",
        "[return: Row] needs a result",
        "[return: Row] stands on '{0}', which returns nothing; accepted: {1}");

    public static readonly DiagnosticDescriptor Synchronizes = Warning(
        "FB0029",
        "A [Batchable] method does not wait for its tensors",
        "'{0}' in '{1}' waits for the device and copies from it, for every batch; accepted: tensors as they are, which the batcher copies once");

    public static readonly DiagnosticDescriptor TrainingCall = Warning(
        "FB0030",
        "A [Batchable] method does not train",
        "'{0}' in '{1}' is for training, but batches run without gradients; accepted: inference, with training done elsewhere");

    public static readonly DiagnosticDescriptor ScopeKept = Warning(
        "FB0031",
        "A DisposeScope ends with its batch",
        "The DisposeScope in '{0}' outlives the call, and takes the tensors of other batches on its thread with it when it ends; accepted: "
        + "'using' in front of it, and MoveToOuter for what is returned");

    public static readonly DiagnosticDescriptor KeptTensorReturned = Warning(
        "FB0032",
        "What a [Batchable] method returns is disposed",
        "'{0}' is kept, but what '{1}' returns is disposed once it is copied; accepted: alias() of it, or clone()");

    public static readonly DiagnosticDescriptor NegativeDeadline = Error(
        "FB0033",
        "DeadlineMicroseconds is not negative",
        "DeadlineMicroseconds is {0}; accepted: 0, for no deadline, or more");

    public static readonly DiagnosticDescriptor InputKept = Warning(
        "FB0034",
        "An input of a [Batchable] method is not kept",
        "'{0}' keeps '{1}', whose memory is other callers' as soon as '{2}' has returned; accepted: clone() of it");

    public static readonly DiagnosticDescriptor AwaitedAgain = Warning(
        "FB0040",
        "The task of a request is awaited once",
        "'{1}' may have been awaited before, and its request may serve another caller by now; accepted: one await of what '{0}' returns, or "
        + "AsTask() or Preserve() on it");

    public static readonly DiagnosticDescriptor TakenTooEarly = Warning(
        "FB0041",
        "The result of a request is awaited",
        "The result of '{0}' is asked for when it may not be there, which throws; accepted: await, or AsTask() to block on");

    public static readonly DiagnosticDescriptor Forgotten = Warning(
        "FB0042",
        "A request is awaited",
        "What '{0}' returns is dropped, so nobody learns how the request ended and its memory is not used again; accepted: await");

    public static readonly DiagnosticDescriptor TaskKept = Warning(
        "FB0043",
        "The task of a request is not kept",
        "'{1}' keeps what '{0}' returns, and may be awaited twice; accepted: a local that is awaited once, or AsTask() or Preserve() on it");

    public static readonly DiagnosticDescriptor LeaseKept = Warning(
        "FB0044",
        "A lease is disposed",
        "The lease of '{0}' is not disposed, so the outputs of its batch are not used again; accepted: 'using' in front of it");

    private static DiagnosticDescriptor Error(string id, string title, string message) => Rule(DiagnosticSeverity.Error, id, title, message);

    private static DiagnosticDescriptor Warning(string id, string title, string message) => Rule(DiagnosticSeverity.Warning, id, title, message);

    private static DiagnosticDescriptor Rule(DiagnosticSeverity severity, string id, string title, string message) => new(
        id,
        title,
        message,
        category: "FastBatch.Usage",
        severity,
        isEnabledByDefault: true,
        helpLinkUri: $"https://github.com/fastbatch/fastbatch/blob/main/docs/diagnostics/{id}.md");
}
