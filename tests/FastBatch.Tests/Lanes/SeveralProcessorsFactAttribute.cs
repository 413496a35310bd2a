namespace FastBatch.Tests.Lanes;

/// <summary>A test of stripes. They are for threads that resume callers at the same time, so with one processor there are none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SeveralProcessorsFactAttribute : FactAttribute
{
    public SeveralProcessorsFactAttribute() => Skip = SeveralProcessorsTheoryAttribute.Missing;
}

/// <summary>The same, of several cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SeveralProcessorsTheoryAttribute : TheoryAttribute
{
    public SeveralProcessorsTheoryAttribute() => Skip = Missing;

    internal static string? Missing => Environment.ProcessorCount < 2 ? "There are no stripes with one processor." : null;
}
