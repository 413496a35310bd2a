namespace FastBatch;

/// <summary>Which values of a request must be finite: neither NaN nor an infinity.</summary>
[Flags]
public enum FiniteChecks
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Those it brings.</summary>
    Inputs = 1,

    /// <summary>Those the method gives it.</summary>
    Outputs = 2,

    /// <summary>Both.</summary>
    All = Inputs | Outputs,
}
