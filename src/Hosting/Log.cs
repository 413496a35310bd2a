using Microsoft.Extensions.Logging;

namespace FastBatch.Hosting;

/// <summary>What is logged. The event ids are part of the contract.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Batcher} serves, with batches of up to {MaxBatchSize} and room for {Capacity} requests.")]
    public static partial void Serving(ILogger logger, string batcher, int maxBatchSize, int capacity);

    [LoggerMessage(2, LogLevel.Information, "{Batcher} refuses new requests and runs those accepted; {Waiting} wait.")]
    public static partial void Closing(ILogger logger, string batcher, int waiting);

    [LoggerMessage(3, LogLevel.Information, "{Batcher} has answered every request it accepted.")]
    public static partial void Closed(ILogger logger, string batcher);

    [LoggerMessage(4, LogLevel.Warning, "{Batcher} has not run all requests within the host's time to stop; the rest were ended.")]
    public static partial void ClosedLate(ILogger logger, string batcher);

    [LoggerMessage(5, LogLevel.Information, "{Batcher} goes on with new settings.")]
    public static partial void Reloaded(ILogger logger, string batcher);

    [LoggerMessage(6, LogLevel.Warning, "{Setting} is changed, and is not taken up while the service runs: {Reason}")]
    public static partial void SettingRefused(ILogger logger, string setting, string reason);

    [LoggerMessage(7, LogLevel.Error, "{Batcher} keeps its settings, since the new ones are wrong: {Errors}")]
    public static partial void ReloadRefused(ILogger logger, string batcher, string errors);

    [LoggerMessage(8, LogLevel.Error, "{Error}")]
    public static partial void Unknown(ILogger logger, string error);

    [LoggerMessage(9, LogLevel.Error, "Settings stay as they are, since a file cannot be read: {Error}")]
    public static partial void FileBroken(ILogger logger, string error);

    [LoggerMessage(10, LogLevel.Information, "{Batcher} was warmed up with {Runs} runs in {Milliseconds} ms.")]
    public static partial void WarmedUp(ILogger logger, string batcher, int runs, long milliseconds);

    [LoggerMessage(11, LogLevel.Information, "{Batcher} runs as graphs in batches of {Sizes}.")]
    public static partial void HasGraphs(ILogger logger, string batcher, string sizes);

    [LoggerMessage(12, LogLevel.Warning, "{Batcher} runs without a graph in batches of {Rows}: {Reason}.")]
    public static partial void HasNoGraph(ILogger logger, string batcher, int rows, string reason);

    [LoggerMessage(13, LogLevel.Information, "{Batcher} runs on {Device}: {Description}")]
    public static partial void RunsOn(ILogger logger, string batcher, string device, string description);
}
