using System.Runtime.InteropServices;
using FastBatch.Execution;
using FastBatch.Lanes;

namespace FastBatch.Tests.Batchers;

/// <summary>A row that makes the method throw fails alone.</summary>
public class FaultIsolationTests
{
    private const int Full = 64;

    [Theory]
    [InlineData(new[] { 0 })]
    [InlineData(new[] { 63 })]
    [InlineData(new[] { 37 })]
    [InlineData(new[] { 31, 32 })]
    [InlineData(new[] { 5, 20, 45, 60 })]
    public async Task Only_bad_rows_fail(int[] bad)
    {
        Outcome outcome = await RunAsync(Full, value => bad.Contains(value) ? new FormatException($"{value} is bad") : null);
        for (int i = 0; i < Full; i++)
        {
            if (bad.Contains(i))
            {
                var fault = Assert.IsType<BatchExecutionException>(outcome.Errors[i]);
                Assert.Equal(1, fault.BatchSize);
                Assert.Equal($"{i} is bad", Assert.IsType<FormatException>(fault.InnerException).Message);
            }
            else
            {
                Assert.Null(outcome.Errors[i]);
                Assert.Equal(-i, outcome.Answers[i]);
            }
        }

        // Log2 of 64 is 6.
        Assert.InRange(outcome.Runs.Count - 1, 2, bad.Length * 2 * 6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(63)]
    public async Task Batches_of_any_size_are_taken_apart(int rows)
    {
        for (int bad = 0; bad < rows; bad++)
        {
            Outcome outcome = await RunAsync(rows, value => value == bad ? new FormatException() : null);
            Assert.Equal([bad], Enumerable.Range(0, rows).Where(i => outcome.Errors[i] is not null));
            Assert.All(Enumerable.Range(0, rows).Where(i => i != bad), i => Assert.Equal(-i, outcome.Answers[i]));
        }
    }

    [Fact]
    public async Task With_many_bad_rows_the_runs_are_bounded_and_every_request_ends()
    {
        Outcome outcome = await RunAsync(Full, value => value % 3 == 0 ? new FormatException() : null);
        Assert.InRange(outcome.Runs.Count - 1, 2, 4 * 2 * 6);
        for (int i = 0; i < Full; i++)
        {
            Assert.True(outcome.Errors[i] is BatchExecutionException || (i % 3 != 0 && outcome.Answers[i] == -i));
        }
    }

    [Fact]
    public async Task A_method_that_always_throws_is_soon_left_alone()
    {
        bool broken = true;
        var runs = new List<int>();
        await using var batcher = new Picky(_ => broken ? new InvalidOperationException() : null, runs.Add).CreateNegateBatcher(Together(Full));
        await SubmitTogetherAsync(batcher, runs, Full);
        Assert.InRange(runs.Count, 2, 1 + (4 * 2 * 6));
        runs.Clear();
        await SubmitTogetherAsync(batcher, runs, Full);
        Assert.Equal([Full], runs);

        // Until it works again.
        broken = false;
        await SubmitTogetherAsync(batcher, runs, Full);
        broken = true;
        runs.Clear();
        await SubmitTogetherAsync(batcher, runs, Full);
        Assert.True(runs.Count > 1);
    }

    [Theory]
    [InlineData(typeof(TaskCanceledException))]
    [InlineData(typeof(TimeoutException))]
    [InlineData(typeof(DeviceLost))]
    public async Task What_does_not_speak_of_rows_is_not_tried_again(Type exception)
    {
        Outcome outcome = await RunAsync(Full, value => value == 3 ? (Exception)Activator.CreateInstance(exception)! : null);
        Assert.Equal([Full], outcome.Runs);
        Assert.All(outcome.Errors, error => Assert.Equal(Full, Assert.IsType<BatchExecutionException>(error).BatchSize));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("[enforce fail at alloc_cpu.cpp:75] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.")]
    [InlineData("CUDA out of memory. Tried to allocate 2.00 GiB")]
    public async Task Out_of_memory_is_tried_in_halves_once_and_later_batches_are_smaller(string? ofLibtorch)
    {
        var gate = new Gate();
        var runs = new List<int>();
        await using var batcher = new Recorder(ids =>
        {
            runs.Add(ids.Length);
            gate.Pass();
            if (ids.Length > 6)
            {
                throw ofLibtorch is null ? new OutOfMemoryException() : new ExternalException(ofLibtorch);
            }
        }).CreateRunBatcher(new BatcherOptions { MaxBatchSize = 32 });
        Task<int> first = batcher.SubmitAsync(1).AsTask();
        await gate.ArrivedAsync();
        Task<int>[] tasks = [.. Enumerable.Range(0, 52).Select(i => batcher.SubmitAsync(i).AsTask())];
        gate.Open();
        foreach (Task<int> failed in tasks[..32])
        {
            var exception = await Assert.ThrowsAsync<BatchExecutionException>(() => failed.WaitAsync(TimeSpan.FromSeconds(30)));
            Assert.Equal(ofLibtorch ?? new OutOfMemoryException().Message, exception.InnerException!.Message);
        }

        // 16 at a time fail as well, but their halves run into 8; from then on 8, then 4.
        foreach (Task<int> task in tasks[32..])
        {
            await Record.ExceptionAsync(() => task.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        await first;
        Assert.Equal([1, 32, 16, 16, 16, 8, 8, 4], runs);
    }

    // Only generated code can tell, as that over TorchSharp's tensors does. Row 5 is bad.
    [Theory]
    [InlineData(8, new[] { 8 }, 8)]
    [InlineData(2, new[] { 8, 4, 4, 2, 2 }, 2)]
    [InlineData(0, new[] { 8, 4, 4, 2, 1, 1, 2 }, 1)]
    public void Rows_that_the_method_wrote_to_before_it_threw_are_not_run_again(int writesTo, int[] expected, int failed)
    {
        var runs = new List<int>();
        var batch = new Batch(8);
        batch.Close(firstRow: 0, count: 8, endTicket: 8);
        var isolation = new FaultIsolation(Run, enabled: true);
        isolation.Isolate(batch, Assert.Throws<FormatException>(() => Run(batch)));
        Assert.Equal(expected, runs);
        Assert.Equal(failed, Enumerable.Range(0, 8).Count(row => batch.Fault(row).Error is not null));

        void Run(Batch narrowed)
        {
            runs.Add(narrowed.Count);
            if (narrowed.FirstMember <= 5 && narrowed.FirstMember + narrowed.Count > 5)
            {
                if (narrowed.Count == writesTo)
                {
                    narrowed.Spoil();
                }

                throw new FormatException();
            }
        }
    }

    [Fact]
    public async Task It_can_be_turned_off()
    {
        Outcome outcome = await RunAsync(
            Full, value => value == 3 ? new FormatException() : null, new BatcherOptions { IsolateFaults = false });
        Assert.Equal([Full], outcome.Runs);
        Assert.All(outcome.Errors, error => Assert.Equal(Full, Assert.IsType<BatchExecutionException>(error).BatchSize));
    }

    // Runs the rows 0, 1, ... as one batch.
    private static async Task<Outcome> RunAsync(int rows, Func<int, Exception?> judge, BatcherOptions? options = null)
    {
        var runs = new List<int>();
        await using var batcher = new Picky(judge, runs.Add).CreateNegateBatcher(Together(rows, options));
        return await SubmitTogetherAsync(batcher, runs, rows);
    }

    private static BatcherOptions Together(int rows, BatcherOptions? options = null) =>
        (options ?? new BatcherOptions()) with { MaxBatchSize = rows, MaxQueueDelay = TimeSpan.FromMinutes(1) };

    private static async Task<Outcome> SubmitTogetherAsync(Picky.NegateBatcher batcher, List<int> runs, int rows)
    {
        var outcome = new Outcome(new int[rows], new Exception?[rows], runs);
        await Task.WhenAll(Enumerable.Range(0, rows).Select(SubmitAsync));
        Assert.Equal(rows, runs[0]);
        return outcome;

        async Task SubmitAsync(int value)
        {
            int[] pair = new int[2];
            try
            {
                int negative = await batcher.SubmitAsync(value, pair);
                Assert.Equal([negative, negative], pair);
                outcome.Answers[value] = negative;
            }
            catch (FastBatchException exception)
            {
                Assert.Equal([0, 0], pair);
                outcome.Errors[value] = exception;
            }
        }
    }

    private sealed class DeviceLost : Exception, IRowFault
    {
        public bool IsOfRows => false;
    }

    private sealed record Outcome(int[] Answers, Exception?[] Errors, List<int> Runs);
}
