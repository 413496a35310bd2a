using FastBatch.Hosting.Health;

namespace FastBatch.Hosting.Lifetime;

/// <summary>A batcher that lives with the host.</summary>
internal sealed class HostedBatcher
{
    public HostedBatcher(BatcherRegistration registration, Batcher batcher)
    {
        Registration = registration;
        Batcher = batcher;
        Recent = new RecentOutcomes(batcher.Options.TimeProvider);

        // For as long as the batcher lives, as it does with the host.
        batcher.Observe(Recent);
    }

    public BatcherRegistration Registration { get; }

    public Batcher Batcher { get; }

    public RecentOutcomes Recent { get; }

    /// <summary>As in configuration: <c>Type.Method</c>, and after a colon the key of its service if it has one.</summary>
    public string Name => Registration.OptionsName;
}
