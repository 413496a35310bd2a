using System.Diagnostics;

namespace FastBatch.Native.Tests;

/// <summary>What running a module leaves behind: on the managed heap nothing at all, in the process nothing that grows.</summary>
[Collection(nameof(AloneCollection))]
public class FootprintTests
{
    private const int Runs = 100_000;

    // 10^5 runs that each lost a single output of 2.5 KB would grow by 250 MB, and one lost row of 64 B by 6 MB.
    private const long AllowedGrowth = 4 << 20;

    private static readonly float[] s_rows = GC.AllocateArray<float>(64 * 16, pinned: true);
    private static readonly float[] s_outputs = new float[64 * 10];
    private static readonly long[] s_digits = new long[64];

    [NativeFact]
    public void Runs_allocate_no_managed_byte()
    {
        using TorchScriptModule mlp = Fixture.Load("mlp");
        using TorchScriptModule results = Fixture.Load("results");
        TorchScriptMethod pair = results.GetMethod("forward");
        for (int i = 0; i < 2_000; i++)
        {
            Run(mlp, 1 + (i % 64));
            RunPair(pair, 1 + (i % 64));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++)
        {
            Run(mlp, 1 + (i % 64));
            RunPair(pair, 1 + (i % 64));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [NativeFact]
    public void A_hundred_thousand_runs_do_not_grow_the_process()
    {
        using TorchScriptModule mlp = Fixture.Load("mlp");
        for (int i = 0; i < Runs / 10; i++)
        {
            Run(mlp, 1 + (i % 64));
        }

        long before = ResidentBytes();
        for (int i = 0; i < Runs; i++)
        {
            Run(mlp, 1 + (i % 64));
        }

        long growth = ResidentBytes() - before;
        Assert.True(growth < AllowedGrowth, $"{Runs} runs grew the process by {growth} bytes");
    }

    [NativeFact]
    public void Failed_runs_and_loads_do_not_grow_the_process()
    {
        byte[] file = File.ReadAllBytes(Fixture.Path("mlp"));
        using TorchScriptModule raises = Fixture.Load("raises");
        Fail(2_000);
        long before = ResidentBytes();
        Fail(10_000);
        long growth = ResidentBytes() - before;

        // Exceptions are managed garbage: what the collector has not returned yet may show.
        Assert.True(growth < 4 * AllowedGrowth, $"10,000 failed runs grew the process by {growth} bytes");

        void Fail(int times)
        {
            for (int i = 0; i < times; i++)
            {
                using TorchScope scope = TorchScope.Enter();
                TorchTensor bad = scope.Copy<float>(s_minusOnes, [64, 16]);
                try
                {
                    raises.Forward(bad);
                }
                catch (TorchException)
                {
                }

                if (i % 100 == 0)
                {
                    using TorchScriptModule loaded = TorchScriptModule.Load(file);
                }
            }
        }
    }

    private static readonly float[] s_minusOnes = [.. Enumerable.Repeat(-1f, 64 * 16)];

    private static void Run(TorchScriptModule module, int count)
    {
        using TorchScope scope = TorchScope.Enter();
        TorchTensor output = module.Forward(scope.Borrow<float>(s_rows.AsSpan(0, count * 16), [count, 16]));
        output.CopyTo(s_outputs.AsSpan(0, count * 10), [count, 10]);
    }

    private static void RunPair(TorchScriptMethod method, int count)
    {
        using TorchScope scope = TorchScope.Enter();
        Span<TorchTensor> outputs = stackalloc TorchTensor[2];
        method.Invoke([scope.Copy<float>(s_rows.AsSpan(0, count * 10), [count, 10])], outputs);
        outputs[0].CopyTo(s_outputs.AsSpan(0, count * 10), [count, 10]);
        outputs[1].CopyTo(s_digits.AsSpan(0, count), [count]);
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
