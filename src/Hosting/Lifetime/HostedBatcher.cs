namespace FastBatch.Hosting.Lifetime;

/// <summary>A batcher that lives with the host.</summary>
internal sealed record HostedBatcher(BatcherRegistration Registration, Batcher Batcher)
{
    /// <summary>As in configuration: <c>Type.Method</c>, and after a colon the key of its service if it has one.</summary>
    public string Name => Registration.OptionsName;
}
