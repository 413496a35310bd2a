using FastBatch.Diagnostics;

namespace FastBatch.Hosting.Health;

/// <summary>
/// How the requests of the last half minute ended, of one batcher. Counted in slices of time that are used in turn; a request that is counted
/// while its slice passes on to a new time may be lost, which changes no share of thousands.
/// </summary>
internal sealed class RecentOutcomes(TimeProvider time) : BatchObserver
{
    private const int Slices = 6;
    private static readonly TimeSpan SliceLength = TimeSpan.FromSeconds(5);

    private readonly Slice[] _slices = [.. Enumerable.Range(0, Slices).Select(static _ => new Slice())];

    public override void OnBatch(Batcher batcher, in BatchReport batch)
    {
        Slice slice = Current();
        Interlocked.Add(ref slice.Ended, batch.Rows - batch.Gone);
        Interlocked.Add(ref slice.Shed, batch.Dropped);
    }

    public override void OnEnded(Batcher batcher, RequestOutcome outcome, int count)
    {
        Slice slice = Current();
        Interlocked.Add(ref slice.Ended, count);
        if (outcome is RequestOutcome.Rejected or RequestOutcome.Dropped)
        {
            Interlocked.Add(ref slice.Shed, count);
        }
        else if (outcome is RequestOutcome.Expired)
        {
            Interlocked.Add(ref slice.Late, count);
        }
    }

    /// <summary>
    /// Of the requests that ended: the part that was refused or dropped because there was too much to do, and the part that was accepted and
    /// missed its deadline; 0 of none.
    /// </summary>
    public (double Shed, double Late) Shares()
    {
        long oldest = Now() - Slices;
        Slice[] recent = [.. _slices.Where(slice => Volatile.Read(ref slice.Time) > oldest)];
        double ended = recent.Sum(static slice => Volatile.Read(ref slice.Ended));
        return ended == 0
            ? default
            : (recent.Sum(static slice => Volatile.Read(ref slice.Shed)) / ended, recent.Sum(static slice => Volatile.Read(ref slice.Late)) / ended);
    }

    // From 1: a slice that was never used is of no time.
    private long Now() => (long)(time.GetElapsedTime(0) / SliceLength) + 1;

    private Slice Current()
    {
        long now = Now();
        Slice slice = _slices[now % Slices];
        long last = Volatile.Read(ref slice.Time);

        // One thread begins the new time.
        if (last < now && Interlocked.CompareExchange(ref slice.Time, now, last) == last)
        {
            Volatile.Write(ref slice.Ended, 0);
            Volatile.Write(ref slice.Shed, 0);
            Volatile.Write(ref slice.Late, 0);
        }

        return slice;
    }

    private sealed class Slice
    {
        public long Time;
        public long Ended;
        public long Shed;
        public long Late;
    }
}
