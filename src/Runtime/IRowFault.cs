namespace FastBatch;

/// <summary>
/// Implemented by exceptions that know whether single rows may be why the method threw. Those that do not implement it are taken to be
/// (see <see cref="BatcherOptions.IsolateFaults"/>).
/// </summary>
public interface IRowFault
{
    /// <summary>Whether other rows of the batch may run without the bad ones; if not, the batch fails as a whole and is not run again.</summary>
    bool IsOfRows { get; }

    /// <summary>Whether memory ran out, so that fewer rows at once may run. Default: no.</summary>
    bool IsOutOfMemory => false;
}
