namespace FastBatch.Tests.Devices;

/// <summary>A test of one device. FASTBATCH_DEVICE, where it is set, names the one to be tested: the others are skipped then, and it never is.</summary>
[AttributeUsage(AttributeTargets.Method)]
public class DeviceTheoryAttribute : TheoryAttribute
{
    /// <param name="device">"cpu", "simulated" or "cuda".</param>
    /// <param name="missing">Why it is not there; null if it is.</param>
    public DeviceTheoryAttribute(string device, string? missing = null)
    {
        string? forced = Environment.GetEnvironmentVariable("FASTBATCH_DEVICE") is { Length: > 0 } name ? name : null;
        Skip = forced is not null && !forced.StartsWith(device, StringComparison.Ordinal) ? $"FASTBATCH_DEVICE is {forced}."
            : forced is null ? missing
            : null;
    }
}
