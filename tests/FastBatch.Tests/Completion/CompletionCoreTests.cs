using System.Threading.Tasks.Sources;
using FastBatch.Completion;

namespace FastBatch.Tests.Completion;

/// <summary>The word that decides a request, step by step; what threads do to it at once is the model checker's.</summary>
public class CompletionCoreTests
{
    private static readonly Action<object?> Nothing = static _ => { };
    private CompletionCore _core;

    [Fact]
    public void Every_life_is_one_generation_and_a_token_of_another_is_refused_at_every_door()
    {
        // Past the 16 bits of a token.
        for (int generation = 0; generation < 70_000; generation++)
        {
            short token = _core.Version;
            Assert.Equal((short)generation, token);
            _core.Begin();
            foreach (int other in (int[])[-1, 1, 100])
            {
                short stale = (short)(token + other);
                AssertMisuse("it has been awaited already", () => _core.GetStatus(stale));
                AssertMisuse("it has been awaited already", () => _core.TryRegister(Nothing, null, null, stale));
                AssertMisuse("it has been awaited already", () => _core.Consume(stale, out _));
                if (generation > 10 && generation < 69_990)
                {
                    break;
                }
            }

            Assert.Equal(ValueTaskSourceStatus.Pending, _core.GetStatus(token));
            Assert.True(_core.TryComplete(_core.Ticket));
            Assert.False(_core.TryCancel());
            _core.Finish(CompletionCore.Succeeded);
            Assert.Equal(CompletionCore.Succeeded, _core.Consume(token, out bool recycle));
            Assert.True(recycle);
        }
    }

    [Fact]
    public void A_ticket_of_an_earlier_life_decides_nothing()
    {
        long stale = Begin();
        Succeed(stale);
        _core.Consume(_core.Version, out _);
        long ticket = Begin();
        Assert.False(_core.TryComplete(stale));
        Assert.False(_core.IsPending(stale));
        Assert.True(_core.IsPending(ticket));
        Assert.True(_core.TryCancel());
        _core.Finish(CompletionCore.Cancelled);
        Assert.False(_core.IsCancelled(stale));
        Assert.True(_core.IsCancelled(ticket));
        Assert.False(_core.TrySignOff(stale, out bool recycle));
        Assert.False(recycle);
        Assert.True(_core.TrySignOff(ticket, out _));
    }

    [Fact]
    public void Only_what_was_cancelled_is_signed_off_and_once()
    {
        long ticket = Begin();
        Assert.False(_core.TrySignOff(ticket, out bool recycle));
        Assert.False(recycle);
        Assert.True(_core.TryCancel());

        // While the caller is still at it.
        Assert.True(_core.TrySignOff(ticket, out recycle));
        Assert.False(recycle);
        _core.Finish(CompletionCore.Cancelled);
        Assert.False(_core.TrySignOff(ticket, out recycle));
        Assert.False(recycle);
        Assert.Equal(CompletionCore.Cancelled, _core.Consume(_core.Version, out recycle));
        Assert.True(recycle);
        Assert.Equal(1, _core.Version);
    }

    [Fact]
    public void A_cancelled_outcome_is_taken_once_and_the_row_returns_the_request()
    {
        long ticket = Begin();
        Assert.True(_core.TryCancel());
        AssertMisuse("it has not completed; await it", () => _core.Consume(_core.Version, out _));
        _core.Finish(CompletionCore.Cancelled);
        Assert.Equal(ValueTaskSourceStatus.Canceled, _core.GetStatus(_core.Version));
        Assert.Equal(CompletionCore.Cancelled, _core.Consume(_core.Version, out bool recycle));
        Assert.False(recycle);
        AssertMisuse("it has been awaited already", () => _core.Consume(_core.Version, out _));
        Assert.True(_core.TrySignOff(ticket, out recycle));
        Assert.True(recycle);
        Assert.Equal(1, _core.Version);
    }

    [Theory]
    [InlineData(CompletionCore.Succeeded, ValueTaskSourceStatus.Succeeded)]
    [InlineData(CompletionCore.Faulted, ValueTaskSourceStatus.Faulted)]
    public void An_outcome_is_taken_once(long phase, ValueTaskSourceStatus status)
    {
        Begin();
        AssertMisuse("it has not completed; await it", () => _core.Consume(_core.Version, out _));
        Assert.True(_core.TryComplete(_core.Ticket));
        AssertMisuse("it has not completed; await it", () => _core.Consume(_core.Version, out _));
        _core.Finish(phase);
        Assert.Equal(status, _core.GetStatus(0));
        Assert.Equal(phase, _core.Consume(0, out bool recycle));
        Assert.True(recycle);
        AssertMisuse("it has been awaited already", () => _core.Consume(0, out _));
    }

    [Fact]
    public void What_was_registered_runs_with_its_state_and_nothing_if_nothing_was()
    {
        Begin();
        object state = new();
        object? given = null;
        Assert.True(_core.TryRegister(value => given = value, state, null, 0));
        AssertMisuse("it is being awaited already", () => _core.TryRegister(Nothing, null, null, 0));
        Assert.True(_core.TryComplete(_core.Ticket));
        _core.Finish(CompletionCore.Succeeded).RunHere();
        Assert.Same(state, given);
        _core.Consume(0, out _);
        Begin();
        Assert.True(_core.TryComplete(_core.Ticket));
        Assert.Equal(default, _core.Finish(CompletionCore.Faulted));
        Assert.False(_core.TryRegister(Nothing, null, null, 1));
    }

    private long Begin()
    {
        _core.Begin();
        return _core.Ticket;
    }

    private void Succeed(long ticket)
    {
        Assert.True(_core.TryComplete(ticket));
        _core.Finish(CompletionCore.Succeeded);
    }

    private static void AssertMisuse(string why, Action act) =>
        Assert.Contains(why, Assert.Throws<InvalidOperationException>(act).Message, StringComparison.Ordinal);
}
