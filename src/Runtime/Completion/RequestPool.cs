using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace FastBatch.Completion;

/// <summary>
/// The free requests of one form of one batcher. Each thread keeps a short list of its own, so that the usual cycle (a continuation
/// takes its result, then submits again) costs no atomic operation; lists that grow too long, where one thread submits and another
/// consumes, move as a whole through a shared stack. For generated code.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class RequestPool
{
    private const int LocalLimit = 64;
    private const int SharedLimit = 256; // lists of LocalLimit requests

    private static readonly Lock Ids = new();
    private static readonly Stack<int> FreeIds = new();
    private static int _nextId;

    // By pool id. A slot left behind by a pool that is gone is recognised by its owner.
    [ThreadStatic]
    private static LocalList[]? t_lists;

    private readonly Lock _gate = new();
    private readonly Stack<PendingRequest> _shared = new();
    private readonly int _id;
    private volatile bool _closed;

    private protected RequestPool()
    {
        lock (Ids)
        {
            _id = FreeIds.TryPop(out int id) ? id : _nextId++;
        }
    }

    /// <summary>Takes back requests that must not be used again.</summary>
    internal static RequestPool None { get; } = new Nowhere();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected PendingRequest? TryTake()
    {
        LocalList[]? lists = t_lists;
        if (lists is not null && (uint)_id < (uint)lists.Length)
        {
            ref LocalList list = ref lists[_id];
            if (list.Head is { } request && ReferenceEquals(list.Owner, this))
            {
                list.Head = request.NextFree;
                list.Count--;
                return request;
            }
        }

        return TryTakeShared();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Return(PendingRequest request)
    {
        LocalList[]? lists = t_lists;
        if (lists is not null && (uint)_id < (uint)lists.Length)
        {
            ref LocalList list = ref lists[_id];
            if (ReferenceEquals(list.Owner, this) && list.Count < LocalLimit)
            {
                request.NextFree = list.Head;
                list.Head = request;
                list.Count++;
                return;
            }
        }

        ReturnSlow(request);
    }

    /// <summary>
    /// Lets another pool have this one's place in every thread's lists. Requests still out are left to the garbage collector. Once.
    /// </summary>
    internal void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _shared.Clear();
        }

        lock (Ids)
        {
            FreeIds.Push(_id);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PendingRequest? TryTakeShared()
    {
        PendingRequest? head;
        lock (_gate)
        {
            if (_closed || !_shared.TryPop(out head))
            {
                return null;
            }
        }

        ref LocalList list = ref OwnList();
        list.Head = head.NextFree;
        list.Count = LocalLimit - 1;
        return head;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReturnSlow(PendingRequest request)
    {
        if (_closed || ReferenceEquals(this, None))
        {
            return;
        }

        ref LocalList list = ref OwnList();
        if (list.Count >= LocalLimit)
        {
            lock (_gate)
            {
                if (_shared.Count < SharedLimit)
                {
                    _shared.Push(list.Head!);
                }
            }

            list.Head = null;
            list.Count = 0;
        }

        request.NextFree = list.Head;
        list.Head = request;
        list.Count++;
    }

    private ref LocalList OwnList()
    {
        LocalList[] lists = t_lists ?? [];
        if (_id >= lists.Length)
        {
            Array.Resize(ref lists, Math.Max(8, _id + 1));
            t_lists = lists;
        }

        ref LocalList list = ref lists[_id];
        if (!ReferenceEquals(list.Owner, this))
        {
            list = new LocalList { Owner = this };
        }

        return ref list;
    }

    private struct LocalList
    {
        public RequestPool? Owner;
        public PendingRequest? Head;
        public int Count;
    }

    private sealed class Nowhere : RequestPool;
}

/// <summary>The free requests of one form of one batcher. For generated code.</summary>
/// <typeparam name="TRequest">The form's request.</typeparam>
/// <param name="create">Makes one when none is free.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class RequestPool<TRequest>(Func<TRequest> create) : RequestPool
    where TRequest : PendingRequest
{
    /// <summary>A pending request of this form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TRequest Rent()
    {
        PendingRequest request = TryTake() ?? Create();
        request.Begin();
        return Unsafe.As<TRequest>(request);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private TRequest Create()
    {
        TRequest request = create();
        request.Home = this;
        return request;
    }
}
