namespace FastBatch.Devices;

/// <summary>The streams of one batcher. Each works in the order it is given work, and beside the others.</summary>
public enum DeviceStream
{
    /// <summary>Copies rows to the device.</summary>
    CopyIn,

    /// <summary>Runs the method.</summary>
    Compute,

    /// <summary>Copies results to the host.</summary>
    CopyOut,
}

/// <summary>
/// What one batcher has of a device: three streams, events that tie them together, and memory. All members are called by the thread that
/// opened it, and but for <see cref="Dispose()"/> none waits for the device. Each throws a <see cref="DeviceException"/> if the device
/// refuses; after <see cref="DeviceFailure.Lost"/> only <see cref="IsLost"/> and <see cref="Dispose()"/> are called any more.
/// </summary>
public abstract class DeviceStreams : IDisposable
{
    /// <summary>What computes where, as far as was found out when it was opened: for people to read, in logs at the start. Any thread.</summary>
    public virtual string Description => "";

    /// <summary>Whether an error has struck that only a new process gets rid of: nothing that the device says is to be believed any more.</summary>
    public abstract bool IsLost { get; }

    /// <summary>Reserves memory of the device, aligned to 256 bytes.</summary>
    /// <param name="bytes">More than 0.</param>
    public abstract nint Allocate(long bytes);

    /// <summary>Frees what <see cref="Allocate"/> reserved; no stream uses it any more.</summary>
    /// <param name="memory">The memory.</param>
    public abstract void Free(nint memory);

    /// <summary>Makes an event, which has not been recorded.</summary>
    public abstract nint CreateEvent();

    /// <summary>Frees an event.</summary>
    /// <param name="mark">The event.</param>
    public abstract void FreeEvent(nint mark);

    /// <summary>Gives a stream bytes to copy, between pinned host memory and the device's.</summary>
    /// <param name="stream"><see cref="DeviceStream.CopyIn"/>: to the device; <see cref="DeviceStream.CopyOut"/>: to the host.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="source">Where from.</param>
    /// <param name="bytes">How many; more than 0.</param>
    public abstract void Copy(DeviceStream stream, nint destination, nint source, long bytes);

    /// <summary>
    /// Calls the method, which gives <see cref="DeviceStream.Compute"/> its work and returns before that is done. What the method throws
    /// comes out as it is: then this part of the batch has no result, and the device may yet be sound.
    /// </summary>
    /// <param name="work">Calls the method on some of the batch's rows, at once or later on this thread.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="rows">How many; at least 1.</param>
    public abstract void Run(IDeviceWork work, int first, int rows);

    /// <summary>
    /// Whether what <see cref="Run"/> gives <see cref="DeviceStream.Compute"/> can be recorded and given to it again as a whole. If not, none of
    /// the members from here to <see cref="FreeGraph"/> is called.
    /// </summary>
    public virtual bool RecordsGraphs => false;

    /// <summary>Gives <see cref="DeviceStream.CopyIn"/> memory of the device's to fill, every byte with the same.</summary>
    /// <param name="memory">The first byte.</param>
    /// <param name="value">What with.</param>
    /// <param name="bytes">How many; more than 0.</param>
    public virtual void Fill(nint memory, byte value, long bytes) => throw NoGraphs();

    /// <summary>
    /// Begins to record: the <see cref="Run"/> that comes next gives the stream nothing, and is to be had from <see cref="EndGraph"/>.
    /// Nothing else is asked of these streams meanwhile.
    /// </summary>
    public virtual void BeginGraph() => throw NoGraphs();

    /// <summary>Ends what <see cref="BeginGraph"/> began, whatever comes of it: afterwards the streams are as before.</summary>
    /// <param name="keep">Whether what was recorded is wanted; not after an error.</param>
    /// <returns>The graph; 0 if it is not wanted.</returns>
    public virtual nint EndGraph(bool keep) => throw NoGraphs();

    /// <summary>Gives <see cref="DeviceStream.Compute"/> all that was recorded: on the memory that it was recorded on.</summary>
    /// <param name="graph">The graph.</param>
    public virtual void Replay(nint graph) => throw NoGraphs();

    /// <summary>Frees a graph; the stream has done all of it. Before the streams are disposed.</summary>
    /// <param name="graph">The graph.</param>
    public virtual void FreeGraph(nint graph) => throw NoGraphs();

    /// <summary>The event happens when the stream has done all it was given. It may be recorded again once it has happened.</summary>
    /// <param name="mark">The event.</param>
    /// <param name="stream">The stream.</param>
    public abstract void Record(nint mark, DeviceStream stream);

    /// <summary>The stream does nothing further until the event, as last recorded, has happened.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="mark">The event.</param>
    public abstract void Await(DeviceStream stream, nint mark);

    /// <summary>Whether the event, as last recorded, has happened.</summary>
    /// <param name="mark">The event.</param>
    public abstract bool IsDone(nint mark);

    /// <summary>The time from one event to a later one; both have happened.</summary>
    /// <param name="from">The earlier.</param>
    /// <param name="to">The later.</param>
    public abstract TimeSpan Between(nint from, nint to);

    /// <summary>Ends it, and what the thread's computing goes to; what is not freed by then is freed. May wait for the device. Never throws.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>See <see cref="Dispose()"/>.</summary>
    /// <param name="disposing">Always true.</param>
    protected abstract void Dispose(bool disposing);

    private NotSupportedException NoGraphs() => new($"{GetType()} records no graphs.");
}

/// <summary>A batch's call of the method, as <see cref="DeviceStreams.Run"/> gets it.</summary>
public interface IDeviceWork
{
    /// <summary>Calls the method on some of the batch's rows.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="rows">How many.</param>
    void Run(int first, int rows);
}
