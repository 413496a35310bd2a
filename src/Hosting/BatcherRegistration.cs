namespace FastBatch.Hosting;

/// <summary>A batcher that was added to the services.</summary>
/// <param name="Method">The method it serves, as <c>Type.Method</c>.</param>
/// <param name="Name">The key of its service; null for none.</param>
/// <param name="Configure">What code makes of the options that configuration gives.</param>
/// <param name="Resolve">Takes it from the services, which makes it the first time.</param>
internal sealed record BatcherRegistration(
    string Method, string? Name, Func<BatcherOptions, BatcherOptions>? Configure, Func<IServiceProvider, Batcher> Resolve)
{
    /// <summary>The name of its options, and the path of its settings below the section.</summary>
    public string OptionsName => Name is null ? Method : $"{Method}:{Name}";
}

/// <summary>What is done with every batcher when it is made.</summary>
internal sealed record BatcherMade(Action<IServiceProvider, Batcher, string> Action);
