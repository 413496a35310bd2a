using System.Buffers;

namespace FastBatch.LoadTests.Soak;

/// <summary>Memory of a caller that cannot be written: it throws when it is asked where it lies, as freed native memory might.</summary>
internal sealed class ThrowingMemory(int length) : MemoryManager<long>
{
    public override Memory<long> Memory => CreateMemory(length);

    public override Span<long> GetSpan() => throw new InjectedException("memory");

    public override MemoryHandle Pin(int elementIndex = 0) => throw new InjectedException("memory");

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
