namespace FastBatch.ModelChecking;

/// <summary>Runs a scenario under every schedule and every choice of stores, within a bound if there is one.</summary>
internal static class Explorer
{
    private static readonly WorkerPool Workers = new();

    /// <param name="scenario">What to explore.</param>
    /// <param name="interruptions">The most times a thread that could go on is interrupted; negative for no bound.</param>
    /// <param name="maxExecutions">Gives up after so many.</param>
    /// <param name="comparesStates">False to explore known states again.</param>
    public static Outcome Explore(
        Scenario scenario, int interruptions = -1, long maxExecutions = long.MaxValue, bool comparesStates = true)
    {
        lock (Workers)
        {
            // Outside of any execution: the first would otherwise differ from the others.
            ShippingState.Reset();
            long started = System.Diagnostics.Stopwatch.GetTimestamp();
            var choices = new Choices(interruptions, comparesStates);
            long executions = 0;
            do
            {
                choices.Begin();
                var trial = new Trial(scenario, choices, Workers);
                trial.Run();
                executions++;
                if (trial.Failure is { } failure && !choices.MustRestart)
                {
                    List<string> trace = Trace(scenario, choices);
                    return new Outcome(failure, trace, executions, choices.States, false, System.Diagnostics.Stopwatch.GetElapsedTime(started));
                }
            }
            while (choices.Advance() && executions < maxExecutions);
            return new Outcome(null, [], executions, choices.States, executions < maxExecutions, System.Diagnostics.Stopwatch.GetElapsedTime(started));
        }
    }

    // Once more, writing down what happens.
    private static List<string> Trace(Scenario scenario, Choices choices)
    {
        var trial = new Trial(scenario, choices.Replay(), Workers) { Trace = [] };
        trial.Run();
        return trial.Trace;
    }
}

/// <summary>What an exploration found.</summary>
/// <param name="Failure">The first failure, or null.</param>
/// <param name="Trace">What led to it, operation by operation.</param>
/// <param name="Executions">Executions, those that only came upon known states included.</param>
/// <param name="States">Distinct states.</param>
/// <param name="IsExhausted">Whether nothing within the bound is left.</param>
/// <param name="Elapsed">How long it took.</param>
internal sealed record Outcome(string? Failure, List<string> Trace, long Executions, int States, bool IsExhausted, TimeSpan Elapsed)
{
    public override string ToString() => Failure is null
        ? $"{(IsExhausted ? "exhausted" : "NOT exhausted")}: {States} states, {Executions} executions, {Elapsed.TotalSeconds:0.00} s"
        : $"{Failure}\nafter {Executions} executions, {Elapsed.TotalSeconds:0.00} s:\n{string.Join('\n', Trace)}";
}
