namespace FastBatch.Tests.Devices;

/// <summary>Submits rows of <see cref="Echo.Pair"/> and checks what comes back.</summary>
internal static class Requests
{
    /// <summary>Submits one; the task ends with how it ended. Its continuation runs where the result is delivered.</summary>
    public static async Task<Exception?> Submit(Echo.PairBatcher batcher, long id, CancellationToken cancellationToken = default)
    {
        long[] answer = new long[2];
        try
        {
            await batcher.SubmitAsync(new[] { id, id, id, id }, answer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return exception;
        }

        return answer[0] == id && answer[1] == id + 1 ? null : new InvalidDataException($"{id} was answered {answer[0]}, {answer[1]}.");
    }

    public static Task<Exception?>[] SubmitAll(Echo.PairBatcher batcher, int count, long firstId = 1) =>
        [.. Enumerable.Range(0, count).Select(i => Submit(batcher, firstId + i))];

    /// <summary>How a request that has ended did: null if it was answered.</summary>
    public static Exception? Outcome(Task<Exception?> request)
    {
        Assert.True(request.IsCompletedSuccessfully, "A request has not ended.");
        return request.Result;
    }

    /// <summary>All have ended, with their own answers.</summary>
    public static void AssertAnswered(IEnumerable<Task<Exception?>> requests) =>
        Assert.All(requests, static request => Assert.Null(Outcome(request)));
}
