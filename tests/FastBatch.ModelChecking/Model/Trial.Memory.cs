using System.Runtime.CompilerServices;

namespace FastBatch.ModelChecking;

/// <content>
/// The memory. The stores to a location are in the order in which they are executed; a read returns any that is not older than what its
/// thread knows of; a release store carries what its writer knows, and an acquiring read of it learns that; a read-modify-write acts on
/// the newest store; fences exchange knowledge through one place that all fences share. Orders that would need a load to be satisfied
/// before an earlier one, or a store ahead of an earlier release, do not exist: neither x64 nor ARM64 has them for these operations.
/// </content>
internal sealed partial class Trial
{
    private readonly List<Location> _locations = [];
    private readonly List<ulong> _labels = [];
    private readonly List<ulong> _locationHashes = [];
    private readonly Dictionary<object, ulong> _objects = new(ReferenceEqualityComparer.Instance);

    // What the fences so far have made known to those after them.
    private readonly View _sequential;
    private ulong _memoryHash;

    // Whether anything visible, or (where that matters) a read, has happened since the last point.
    private bool _needsPoint;
    private bool _hasRead;

    public ulong Label(int location) => _labels[location];

    public int Add(Location location)
    {
        _locations.Add(location);
        ulong label = NewLabel();
        _labels.Add(label);
        _locationHashes.Add(0);
        return _locations.Count - 1;
    }

    public void NoteStore(int location, ulong value, View? message)
    {
        ulong before = _locationHashes[location];
        ulong after = Hashing.Mix(Hashing.Mix(before, value), message?.Hash ?? 0);
        _locationHashes[location] = after;
        _memoryHash += Hashing.Mix(_labels[location], after) - (before == 0 ? 0 : Hashing.Mix(_labels[location], before));
    }

    /// <summary>Replaces what a plain field or a lock adds to the state.</summary>
    public void NoteChange(ulong label, ulong before, ulong after) =>
        _memoryHash += (after == 0 ? 0 : Hashing.Mix(label, after)) - (before == 0 ? 0 : Hashing.Mix(label, before));

    // By thread and order within it: a function of what that thread has learned, and so the same in executions that are alike.
    public ulong NewLabel() => t_current is { } thread ? Hashing.Mix((ulong)thread.Id + 1, (ulong)++thread.NewObjects) : 0;

    public ulong HashOf<T>(T value)
    {
        if (typeof(T) == typeof(long))
        {
            return (ulong)Unsafe.As<T, long>(ref value);
        }

        if (typeof(T) == typeof(int))
        {
            return (ulong)Unsafe.As<T, int>(ref value);
        }

        if (value is null)
        {
            return 0;
        }

        if (typeof(T).IsValueType)
        {
            return (ulong)value.GetHashCode();
        }

        if (!_objects.TryGetValue(value, out ulong label))
        {
            _objects.Add(value, label = NewLabel());
        }

        return label;
    }

    public T Read<T>(Location<T> location, bool acquire, in Site site)
    {
        ModelThread thread = Enter();
        _hasRead = true;
        acquire &= !Scenario.Weakens(site, Weakening.RelaxedRead);
        int oldest = thread.View.Seen(location.Index);
        int age = Choices.Store(location.Last - oldest + 1);
        int index = location.Last - age;
        Location<T>.Store store = location[index];
        thread.View.See(location.Index, index);
        thread.SpinReads[location] = index;
        thread.Learn(HashOf(store.Value));
        Learn(thread, store.Message, acquire);
        if (Trace is not null)
        {
            string writer = store.Thread < 0 ? "first value" : $"by {_threads[store.Thread].Name}";
            string stale = age == 0 ? "" : $", STALE: {age} newer";
            Note($"{site,-38} {site.Expression}{(acquire ? "" : " (relaxed)")} -> {Show(store.Value)}   [{writer}{stale}]");
        }

        return store.Value;
    }

    public void Write<T>(Location<T> location, T value, bool release, in Site site)
    {
        // A store that no other store or read-modify-write of the location races with needs no point ahead of it: whoever does not want
        // to see it yet can read an older one. Not so with process-wide barriers, which show others what came before them.
        ModelThread thread = Enter(needsPoint: Choices.SplitsReads || Choices.IsContended(location.Name));
        release &= !Scenario.Weakens(site, Weakening.RelaxedStore);
        Store(thread, location, value, release);
        if (Trace is not null)
        {
            Note($"{site,-38} {site.Expression}{(release ? "" : " (relaxed)")} := {Show(value)}");
        }

        _needsPoint = true;
    }

    /// <summary>With a full fence before and after. Returns the value before.</summary>
    public T Modify<T>(Location<T> location, Func<T, (bool Stores, T Value)> change, in Site site)
    {
        ModelThread thread = Enter();
        bool fenced = !Scenario.Weakens(site, Weakening.NoFence);
        if (Scenario.Weakens(site, Weakening.Split))
        {
            T read = Read(location, acquire: true, site);
            _needsPoint = true;
            (bool writes, T next) = change(read);
            if (writes)
            {
                Write(location, next, release: true, site);
            }

            return read;
        }

        if (fenced)
        {
            ExchangeKnowledge(thread);
        }

        Location<T>.Store before = location[location.Last];
        if (!before.IsModification && thread.View.Seen(location.Index) < location.Last)
        {
            Choices.Contend(location.Name);
        }

        thread.View.See(location.Index, location.Last);
        thread.SpinReads[location] = location.Last;
        thread.Learn(HashOf(before.Value));
        Learn(thread, before.Message, acquire: true);
        (bool stores, T value) = change(before.Value);
        if (stores)
        {
            Store(thread, location, value, release: true, isModification: true);
        }

        if (fenced)
        {
            ExchangeKnowledge(thread);
        }

        if (Trace is not null)
        {
            string what = stores ? $"{Show(before.Value)} => {Show(value)}" : $"{Show(before.Value)}, left as it is";
            Note($"{site,-38} {site.Expression}{(fenced ? "" : " (no fence)")} <-> {what}");
        }

        _needsPoint = true;
        return before.Value;
    }

    public void FullFence(in Site site)
    {
        ModelThread thread = Enter();
        if (Scenario.Weakens(site, Weakening.NoFence))
        {
            Note($"{site,-38} (full fence left out)");
            return;
        }

        ExchangeKnowledge(thread);
        Note($"{site,-38} full fence");
        _needsPoint = true;
    }

    /// <summary>Every thread executes a full fence now; this one before and after the others.</summary>
    public void ProcessWideFence(in Site site)
    {
        ModelThread thread = Enter();
        if (Scenario.Weakens(site, Weakening.NoFence))
        {
            Note($"{site,-38} (process-wide barrier left out)");
            return;
        }

        // Other threads lose the right to old stores without an operation of their own: from now on it matters when they read.
        Choices.RequireSplitReads();
        ExchangeKnowledge(thread);
        View known = _sequential.Copy();
        foreach (ModelThread other in _threads)
        {
            if (other != thread)
            {
                ReleaseAcquirable(other);
                _sequential.Join(other.View, clocks: false);
                other.View.Join(known, clocks: false);
                other.Released = other.View.Copy();
            }
        }

        ExchangeKnowledge(thread);
        Note($"{site,-38} process-wide barrier");
        _needsPoint = true;
    }

    /// <summary>
    /// The current thread spins: it goes on once there is a newer store to something it read since it last got here, and will not miss it again.
    /// </summary>
    public void Spin(string what)
    {
        ModelThread thread = Enter();
        Dictionary<Location, int> reads = thread.SpinReads;
        Block($"a change to {string.Join(", ", reads.Keys.Select(static location => location.Name))} ({what})",
            () => reads.Any(static read => read.Key.Last > read.Value));
        var newer = reads.Where(static read => read.Key.Last > read.Value).ToList();
        (Location location, int store) = newer[Choices.Store(newer.Count)];
        thread.View.See(location.Index, Math.Max(thread.View.Seen(location.Index), store + 1));
        reads.Clear();
        _needsPoint = true;
    }

    public View ReleaseView(ModelThread thread)
    {
        View message = thread.View.Copy();
        thread.View.Tick(thread.Id);
        return message;
    }

    public static string Show<T>(T value) => value switch
    {
        null => "null",
        long or int or bool or string => $"{value}",
        Delegate action => $"{action.Method.Name}",
        _ => $"{value.GetType().Name}",
    };

    /// <summary>Before every operation: others may go on here, if anything has happened since they last could.</summary>
    public ModelThread Enter(bool needsPoint = true)
    {
        if (_stopping)
        {
            throw new StoppedException();
        }

        CountStep();
        if (needsPoint && (_needsPoint || (_hasRead && Choices.SplitsReads)))
        {
            Point();
        }

        return t_current!;
    }

    private void Store<T>(ModelThread thread, Location<T> location, T value, bool release, bool isModification = false)
    {
        if (!isModification && thread.View.Seen(location.Index) < location.Last)
        {
            Choices.Contend(location.Name);
        }

        int index = location.Last + 1;
        thread.View.See(location.Index, index);
        View message = release ? thread.View.Copy() : Scenario.HasTwin ? thread.Released.Copy() : new View(this);
        message.See(location.Index, index);
        location.Add(value, message, thread.Id, isModification);
        thread.View.Tick(thread.Id);
        thread.Learn(HashOf(value));
    }

    private static void Learn(ModelThread thread, View? message, bool acquire)
    {
        if (message is null)
        {
            return;
        }

        if (acquire)
        {
            thread.View.Join(message);
        }
        else
        {
            thread.Acquirable ??= message.Copy();
            thread.Acquirable.Join(message);
        }
    }

    private void ExchangeKnowledge(ModelThread thread)
    {
        ReleaseAcquirable(thread);

        // Not what is known of threads: two fences alone, without a store that one reads of the other, order no plain accesses.
        thread.View.Join(_sequential, clocks: false);
        _sequential.Join(thread.View, clocks: false);
        if (Scenario.HasTwin)
        {
            thread.Released = thread.View.Copy();
            thread.View.Tick(thread.Id);
        }
    }

    private static void ReleaseAcquirable(ModelThread thread)
    {
        if (thread.Acquirable is { } acquirable)
        {
            thread.View.Join(acquirable);
            thread.Acquirable = null;
        }
    }
}
