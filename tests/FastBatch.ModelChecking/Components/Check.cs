namespace FastBatch.ModelChecking.Components;

/// <summary>What the tests say of scenarios.</summary>
internal static class Check
{
    private static readonly long Limit = long.Parse(
        System.Environment.GetEnvironmentVariable("FASTBATCH_MODEL_LIMIT") ?? "10000000", System.Globalization.CultureInfo.InvariantCulture);

    // To look deeper by hand: the bound of the tests that have one; negative for none.
    private static readonly string? Deeper = System.Environment.GetEnvironmentVariable("FASTBATCH_MODEL_INTERRUPTIONS");

    /// <summary>All of it, every schedule and every choice of stores, is free of failures.</summary>
    public static void Exhausts(Action<Model> body, int interruptions = -1, int processors = 1, int timerTicks = 0)
    {
        if (interruptions >= 0 && Deeper is not null)
        {
            interruptions = int.Parse(Deeper, System.Globalization.CultureInfo.InvariantCulture);
        }

        var scenario = new Scenario(body) { Processors = processors, TimerTicks = timerTicks };
        Outcome outcome = Explorer.Explore(scenario, interruptions, Limit);
        Assert.True(outcome.Failure is null, outcome.ToString());
        Console.WriteLine($"{Caller()} {(interruptions < 0 ? "" : $"({interruptions} interruptions) ")}{outcome}");
        Assert.True(outcome.IsExhausted, outcome.ToString());
    }

    /// <summary>The twin fails, and in the way expected. Few interruptions are tried first: most defects need no more than two.</summary>
    public static void Catches(Twin twin, string expected, Action<Model> body, int processors = 1, int timerTicks = 0)
    {
        Outcome? outcome = null;
        foreach (int interruptions in (int[])[0, 1, 2, 3, -1])
        {
            var scenario = new Scenario(body) { Twin = twin, Processors = processors, TimerTicks = timerTicks };
            outcome = Explorer.Explore(scenario, interruptions, Limit);
            if (outcome.Failure is not null)
            {
                Assert.Contains(expected, outcome.Failure, StringComparison.Ordinal);
                Console.WriteLine(
                    $"{twin}: caught with {interruptions} interruptions after {outcome.Executions} executions, "
                    + $"{outcome.Elapsed.TotalSeconds:0.00} s: {outcome.Failure.Split('\n')[0]}");
                return;
            }
        }

        Assert.True(twin.IsReached, $"{twin} was never come upon.");
        Assert.Fail($"{twin} was not caught: {outcome}");
    }

    private static string Caller() => new System.Diagnostics.StackTrace().GetFrames()
        .Select(static frame => frame.GetMethod())
        .FirstOrDefault(static method => method!.IsDefined(typeof(FactAttribute), true))?.Name ?? "";
}
