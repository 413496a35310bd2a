using System.Diagnostics;
using System.Threading.Tasks.Sources;
using FastBatch.LoadTests.Rivals;
using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Harness;

/// <summary>
/// One caller of the open loop, used again and again: an async loop that waits at a gate until the generator sends it
/// off, so that it submits on the generator's thread and continues wherever the contender resumes it. The loop is
/// started once and the gate is the object itself: nothing is allocated per request, for any contender.
/// </summary>
internal sealed class Arrival<TContender> : IValueTaskSource<bool>
    where TContender : struct, IContender<TContender>
{
    private const int ValuesPerArrival = 4096;

    private readonly float _firstValue;
    private readonly float[] _row = new float[Computation.SmallRow];
    private readonly float[] _answer = new float[Computation.AnswerLength];
    private ManualResetValueTaskSourceCore<bool> _gate;
    private long _sequence;
    private long _completed;
    private long _finishedAt;
    private bool _inFlight;

    public Arrival(TContender contender, int index)
    {
        _firstValue = index * ValuesPerArrival;
        Array.Fill(_answer, float.NaN);
        Loop = RunAsync(contender);
    }

    /// <summary>Ends after <see cref="Stop"/>.</summary>
    public Task Loop { get; }

    public long Completed => Volatile.Read(ref _completed);

    public bool InFlight => Volatile.Read(ref _inFlight);

    /// <summary>When the request should have been sent; 0 when its latency has been collected.</summary>
    public long IntendedAt { get; private set; }

    /// <summary>Counts from the intended time: a generator that was held up is part of what the caller waited.</summary>
    public long Latency => _finishedAt - IntendedAt;

    private float Value => _firstValue + (int)(_sequence % ValuesPerArrival);

    public void Send(long intendedAt)
    {
        IntendedAt = intendedAt;
        _inFlight = true;
        _gate.SetResult(true);
    }

    public void Collected() => IntendedAt = 0;

    public void Stop() => _gate.SetResult(false);

    bool IValueTaskSource<bool>.GetResult(short token) => _gate.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _gate.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _gate.OnCompleted(continuation, state, token, flags);

    private async Task RunAsync(TContender contender)
    {
        try
        {
            while (await new ValueTask<bool>(this, _gate.Version).ConfigureAwait(false))
            {
                _sequence++;
                _row[0] = Value;
                _row[^1] = -Value;
                await contender.SubmitAsync(_row, _answer).ConfigureAwait(false);
                CheckAnswer();
                _finishedAt = Stopwatch.GetTimestamp();
                Volatile.Write(ref _completed, _completed + 1);
                _gate.Reset();
                // Last: the generator sends this caller off again as soon as it sees this, and then reads what is above.
                Volatile.Write(ref _inFlight, false);
            }
        }
        catch (Exception exception)
        {
            Failure.RequestFailed(TContender.Name, exception);
        }
    }

    private void CheckAnswer()
    {
        if (_answer[0] != Value * 2 || _answer[^1] != -Value)
        {
            Failure.WrongAnswer(TContender.Name, $"sent {Value} and {-Value}, got {_answer[0]} and {_answer[^1]}");
        }
    }
}
