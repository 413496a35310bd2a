namespace FastBatch.LoadTests.Harness;

/// <summary>
/// Measures the contestants in turn, round after round, so that whatever the machine does meanwhile hits all of them.
/// Each round starts with another contestant; the first round only warms up and is thrown away.
/// </summary>
internal static class Rounds
{
    /// <summary>
    /// Many short runs rather than one long: methods that are called once per run, such as batching loops, reach the
    /// optimizing compiler by their number of calls. The pauses let it finish in the background.
    /// </summary>
    public static void WarmUp(LoadCase load, IReadOnlyList<Contestant> contestants)
    {
        const int Pauses = 2;
        const int RunsBetweenPauses = 32;
        var brief = new WindowLength(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));
        foreach (Contestant contestant in contestants)
        {
            for (int run = 1; run <= Pauses * RunsBetweenPauses; run++)
            {
                load.Measure(contestant, brief);
                if (run % RunsBetweenPauses == 0)
                {
                    Thread.Sleep(150);
                }
            }
        }
    }

    public static IReadOnlyList<Result> Run(LoadCase load, IReadOnlyList<Contestant> contestants, int rounds, WindowLength length)
    {
        var measurements = contestants.ToDictionary(static contestant => contestant, _ => new List<Measurement>(rounds));
        for (int round = 0; round <= rounds; round++)
        {
            for (int turn = 0; turn < contestants.Count; turn++)
            {
                Contestant contestant = contestants[(turn + round) % contestants.Count];
                GC.Collect(); // Nobody pays for what the one before left behind.
                Measurement measurement = load.Measure(contestant, length);
                if (round > 0)
                {
                    measurements[contestant].Add(measurement);
                }
            }
        }

        return [.. contestants.Select(contestant => Result.Of(load, contestant, measurements[contestant]))];
    }
}
