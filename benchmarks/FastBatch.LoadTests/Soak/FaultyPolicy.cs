using FastBatch.Scheduling;

namespace FastBatch.LoadTests.Soak;

/// <summary>A policy that now and then throws or drops, and else does what another says. One thread at a time, like any policy.</summary>
internal sealed class FaultyPolicy(IBatchPolicy inner, int chance, int seed) : IBatchPolicy
{
    private readonly Random _random = new(seed);

    public bool UsesEnqueueTime => inner.UsesEnqueueTime;

    public BatchDecision Decide(in QueueSnapshot queue, long now) => _random.Next(2 * chance) switch
    {
        0 => throw new InjectedException("policy"),
        1 => BatchDecision.Drop(_random.Next(1, queue.Waiting + 1)),
        _ => inner.Decide(queue, now),
    };
}
