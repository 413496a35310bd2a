using System.Diagnostics;
using System.Runtime.InteropServices;
using FastBatch.Tests.Devices;

namespace FastBatch.Native.Tests;

/// <summary>A device-side assertion, in a process of its own: see <see cref="LostDevice"/>.</summary>
public class LostDeviceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [CudaTheory]
    [InlineData("cuda")]
    public Task An_assertion_in_a_kernel_leaves_every_caller_with_a_typed_error_within_two_seconds_and_health_unhealthy(string device) =>
        Run(device);

    [NativeFact]
    public Task On_the_cpu_the_same_row_fails_alone() => Run("cpu");

    private static async Task Run(string device)
    {
        // The host of the runtime that runs this, wherever that is.
        string root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        using var process = new Process();
        process.StartInfo = new ProcessStartInfo(Path.Combine(root, "dotnet"), [typeof(LostDevice).Assembly.Location, "lose-device", device])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        process.Start();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            process.Kill();
        }

        Assert.True(process.ExitCode == 0, $"{await output}{await errors}");
    }
}
