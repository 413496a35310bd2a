namespace FastBatch.LoadTests.Harness;

/// <summary>Ends the program: a figure measured on wrong answers must never be printed.</summary>
internal static class Failure
{
    public const int WrongAnswerExitCode = 1;
    public const int HangExitCode = 2;
    public const int UnavailableExitCode = 3;
    public const int UsageExitCode = 64;

    private static int s_ended;

    public static void WrongAnswer(string batcher, string details) => End(WrongAnswerExitCode, $"{batcher}: wrong answer: {details}");

    public static void RequestFailed(string batcher, Exception exception) =>
        End(WrongAnswerExitCode, $"{batcher}: a request failed: {exception}");

    public static void Hang(string what, double seconds) => End(HangExitCode, $"{what}: nothing completed for {seconds:0} s");

    public static void Unavailable(string reason) => End(UnavailableExitCode, reason);

    private static void End(int exitCode, string message)
    {
        // Thousands of clients may fail at once; the first one says why.
        if (Interlocked.Exchange(ref s_ended, 1) == 0)
        {
            Console.Error.WriteLine(message);
            Environment.Exit(exitCode);
        }

        Thread.Sleep(Timeout.Infinite);
    }
}
