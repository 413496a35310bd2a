namespace FastBatch.Native.Tests;

/// <summary>
/// A test that runs libtorch. Where the native library cannot be used it is skipped and says why, unless FASTBATCH_REQUIRE_NATIVE is 1, as
/// eng/test.sh sets it: then it runs, and fails.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NativeFactAttribute : FactAttribute
{
    public NativeFactAttribute() => Skip = Native.ReasonToSkip;
}

/// <inheritdoc cref="NativeFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NativeTheoryAttribute : TheoryAttribute
{
    public NativeTheoryAttribute() => Skip = Native.ReasonToSkip;
}

internal static class Native
{
    public static string? ReasonToSkip { get; } =
        Environment.GetEnvironmentVariable("FASTBATCH_REQUIRE_NATIVE") == "1" ? null : Torch.UnavailableReason;
}

/// <summary>Tests that count what the whole process does, or change what it sees.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
