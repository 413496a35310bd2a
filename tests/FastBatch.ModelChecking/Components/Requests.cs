using System.Threading.Tasks.Sources;
using FastBatch.Completion;
using FastBatch.Lanes;

namespace FastBatch.ModelChecking.Components;

/// <summary>A request whose result is the number of its row, with what an await does with it.</summary>
internal sealed class ModelRequest : PendingRequest<int>
{
    protected override void Deliver(OutputSlab outputs, int row) => Result = outputs is AnswerSlab slab ? slab.Answers[row].Get(0, "answer") : row;

    protected override void Forget() => Result = 0;

    /// <summary>Runs <paramref name="then"/> with the outcome, on this thread if it is there.</summary>
    public void Await(Action<ModelRequest, short> then)
    {
        short token = Version;
        if (GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            OnCompleted(_ => then(this, token), null, token, ValueTaskSourceOnCompletedFlags.None);
        }
        else
        {
            then(this, token);
        }
    }

    /// <summary>The result; negative if it was cancelled, or refused.</summary>
    public static int Take(ModelRequest request, short token)
    {
        try
        {
            return ((IValueTaskSource<int>)request).GetResult(token);
        }
        catch (OperationCanceledException)
        {
            return -1;
        }
        catch (BatcherClosedException)
        {
            return -2;
        }
        catch (Exception exception) when (exception is DeadlineExceededException or BatcherStalledException)
        {
            return -3;
        }
    }
}

/// <summary>How often each request has ended; kept by no modelled means, so that it adds nothing to the order of things.</summary>
internal sealed class Ends(int requests)
{
    private readonly int[] _ends = new int[requests];

    public void Add(int request)
    {
        _ends[request]++;
        Model.Require(_ends[request] == 1, $"request {request} ended twice");
    }

    public void RequireAll() => Model.Require(Array.TrueForAll(_ends, static times => times == 1), "a request never ended");
}
