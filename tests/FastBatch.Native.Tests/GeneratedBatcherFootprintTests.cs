namespace FastBatch.Native.Tests;

/// <summary>What a request to a batcher over a module allocates on the managed heap: nothing. Counted over the whole process, so alone.</summary>
[Collection(nameof(AloneCollection))]
public class GeneratedBatcherFootprintTests
{
    private const int Clients = 32;
    private const int Windows = 60;

    [NativeFact]
    public async Task A_request_allocates_no_managed_byte()
    {
        using TorchScriptModule mlp = Fixture.Load("mlp");
        using TorchScriptModule results = Fixture.Load("results");
        await using GeneratedBatcherTests.Mlp.ClassifyBatcher one = new GeneratedBatcherTests.Mlp(mlp).CreateClassifyBatcher();
        await using GeneratedBatcherTests.Pair.BothBatcher two = new GeneratedBatcherTests.Pair(results).CreateBothBatcher();
        long requests = 0;
        bool stopped = false;
        Task clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            float[] features = new float[16];
            float[] logits = new float[10];
            while (!Volatile.Read(ref stopped))
            {
                await one.SubmitAsync(features, logits).ConfigureAwait(false);
                using (await two.SubmitAsync(client, static (id, row) => row.Fill(id)).ConfigureAwait(false))
                {
                }

                Interlocked.Add(ref requests, 2);
            }
        })));

        // What the process allocates now and then for itself may hit some windows: one with hundreds of requests and not a byte shows that
        // requests need none.
        var seen = new List<string>();
        bool clean = false;
        for (int window = 0; window < Windows && !clean; window++)
        {
            long requestsBefore = Interlocked.Read(ref requests);
            long bytesBefore = GC.GetTotalAllocatedBytes(precise: true);
            Thread.Sleep(50);
            long bytes = GC.GetTotalAllocatedBytes(precise: true) - bytesBefore;
            long submitted = Interlocked.Read(ref requests) - requestsBefore;
            clean = bytes == 0 && submitted > 500;
            seen.Add($"{bytes} bytes for {submitted} requests");
        }

        Volatile.Write(ref stopped, true);
        await clients;
        Assert.True(clean, string.Join("; ", seen));
    }
}
