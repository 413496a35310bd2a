using System.Diagnostics;

namespace FastBatch.TorchSharp.Tests;

/// <summary>What a batch costs. Counted over the whole process, so alone.</summary>
[Collection(nameof(AloneCollection))]
public sealed class FootprintTests
{
    private const int BytesOfTensor = 48;

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public async Task A_batch_allocates_48_bytes_for_each_result_of_an_operation(int operations, bool dedicated)
    {
        const int Batches = 200;
        var tricks = new Tricks
        {
            Next = x =>
            {
                Tensor y = x;
                for (int i = 0; i < operations; i++)
                {
                    Tensor next = y.relu();
                    if (i > 0)
                    {
                        y.Dispose();
                    }

                    y = next;
                }

                return y;
            },
        };
        await using Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher(new BatcherOptions { DedicatedThread = dedicated });
        float[] row = [1, 2, 3];
        float[] output = new float[3];

        const long Expected = Batches * BytesOfTensor;
        long[] seen = new long[100];
        await MeasureAsync();
        Assert.Contains(Expected * operations, seen);
        Assert.True(seen.Min() >= Expected * operations, $"Not even the tensors: {string.Join(", ", seen)}");

        // Without the test's context, which would allocate for every await. What the process allocates now and then for itself may hit
        // some of the windows.
        async Task MeasureAsync()
        {
            for (int window = 0; window < seen.Length; window++)
            {
                long before = GC.GetTotalAllocatedBytes(precise: true);
                for (int i = 0; i < Batches; i++)
                {
                    await batcher.SubmitAsync(row, output).ConfigureAwait(false);
                }

                seen[window] = GC.GetTotalAllocatedBytes(precise: true) - before;
            }
        }
    }

    /// <summary>Where they begin and how many rows they have differs from batch to batch, and their tensors are made anew.</summary>
    [Fact]
    public async Task Batches_of_many_callers_allocate_no_more()
    {
        // What callers and threads allocate when they start does not depend on how long they go on.
        const int Few = 100;
        const int Many = 1100;
        int batches = 0;
        var tricks = new Tricks
        {
            Next = x =>
            {
                Interlocked.Increment(ref batches);
                return x.relu();
            },
        };
        await using Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher(new BatcherOptions { MaxBatchSize = 31, Capacity = 1 << 14 });

        // Before it had a function for it, a tensor could not become another one.
        int most = typeof(Tensor).Assembly.GetName().Version >= new Version(0, 103) ? 2 : BytesOfTensor + 2;
        double least = double.MaxValue;
        for (int attempt = 0; attempt < 50 && least > most; attempt++)
        {
            (long fewBytes, int fewBatches) = await RunAsync(Few);
            (long manyBytes, int manyBatches) = await RunAsync(Many);
            double bytes = manyBytes - fewBytes - ((long)BytesOfTensor * (manyBatches - fewBatches));
            least = Math.Min(least, bytes / Math.Max(1, manyBatches - fewBatches));
        }

        Assert.InRange(least, double.MinValue, most);

        async Task<(long Bytes, int Batches)> RunAsync(int requests)
        {
            batches = 0;
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(async () =>
            {
                float[] row = [1, 2, 3];
                float[] output = new float[3];
                for (int i = 0; i < requests; i++)
                {
                    await batcher.SubmitAsync(row, output).ConfigureAwait(false);
                }
            })));
            return (GC.GetTotalAllocatedBytes(precise: true) - before, batches);
        }
    }

    [Fact]
    public async Task A_hundred_thousand_batches_leave_nothing()
    {
        using var scripts = new Scripts(Batches.Folder);
        using var mlp = new Mlp(scripts.MlpModule);
        await using Mlp.ForwardBatcher batcher = mlp.CreateForwardBatcher(new BatcherOptions { MaxBatchSize = 4, Capacity = 16 });
        await RunAsync(5_000);
        (long tensors, long bytes) = Count();
        await RunAsync(105_000);
        (long tensorsAfter, long bytesAfter) = Count();
        Assert.InRange(tensorsAfter - tensors, -64, 64);
        Assert.InRange(bytesAfter - bytes, long.MinValue, 8 << 20);

        async Task RunAsync(int batches)
        {
            float[] x = new float[16];
            float[] logits = new float[10];
            for (int i = 0; i < batches; i++)
            {
                await batcher.SubmitAsync(x, logits).ConfigureAwait(false);
            }
        }

        static (long Tensors, long Bytes) Count()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            using Process process = Process.GetCurrentProcess();
            return (Tensor.TotalCount, process.PrivateMemorySize64);
        }
    }

    [Fact]
    public async Task A_batcher_frees_its_tensors()
    {
        long before = Tensor.TotalCount;
        await using (Tricks.SameBatcher batcher = Tricks.CreateSameBatcher(new BatcherOptions { MaxBatchSize = 3 }))
        {
            await Task.WhenAll(Enumerable.Range(0, 40).Select(async row => await batcher.SubmitAsync(new float[3], new float[3])));
            Assert.True(Tensor.TotalCount > before);
        }

        Assert.Equal(before, Tensor.TotalCount);
    }
}

/// <summary>Tests that count what the whole process does.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
