using System.Runtime.CompilerServices;
using FastBatch.Completion;

namespace FastBatch.ModelChecking;

/// <summary>Static state of the shipping code, which every trial is to find as the first did.</summary>
internal static class ShippingState
{
    static ShippingState()
    {
        // Outside of any trial, whose first would otherwise differ from the others.
        RuntimeHelpers.RunClassConstructor(typeof(RequestPool).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(CompletionCore).TypeHandle);
        _ = RequestPool.None;
    }

    public static void Reset()
    {
        NextId(null) = 1;
        FreeIds(null).Clear();
    }

    public static void ResetThread()
    {
        RequestPool.ResetThread();
        Lanes.PriorityLanes.ResetThread();
    }

    [UnsafeAccessor(UnsafeAccessorKind.StaticField, Name = "_nextId")]
    private static extern ref int NextId(RequestPool? pool);

    [UnsafeAccessor(UnsafeAccessorKind.StaticField, Name = "FreeIds")]
    private static extern ref Stack<int> FreeIds(RequestPool? pool);
}
