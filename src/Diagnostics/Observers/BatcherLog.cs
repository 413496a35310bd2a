using Microsoft.Extensions.Logging;

namespace FastBatch.Diagnostics;

/// <summary>The messages. Their ids are stable: an id that is no longer used stays free.</summary>
internal static partial class BatcherLog
{
    [LoggerMessage(1, LogLevel.Information, "{Endpoint} is observed: batches of up to {MaxBatchSize} rows, up to {Capacity} rows waiting")]
    public static partial void Observed(ILogger logger, string endpoint, int maxBatchSize, int capacity);

    [LoggerMessage(2, LogLevel.Error, "{Endpoint} threw: {Failed} requests failed since the last message, the last of them in a batch of {Rows}")]
    public static partial void Failed(ILogger logger, Exception? exception, string endpoint, long failed, int rows);

    [LoggerMessage(3, LogLevel.Warning, "{Endpoint} is full: {Rejected} requests refused since the last message; it takes {Capacity} rows")]
    public static partial void Rejected(ILogger logger, string endpoint, long rejected, int capacity);

    [LoggerMessage(4, LogLevel.Warning, "{Endpoint}: its policy dropped {Dropped} requests since the last message")]
    public static partial void Dropped(ILogger logger, string endpoint, long dropped);

    [LoggerMessage(5, LogLevel.Warning, "{Endpoint} is closed: {Closed} requests refused or ended unanswered since the last message")]
    public static partial void Closed(ILogger logger, string endpoint, long closed);

    [LoggerMessage(7, LogLevel.Error, "{Endpoint} does not return: {Stalled} requests ended unanswered since the last message")]
    public static partial void Stalled(ILogger logger, string endpoint, long stalled);

    [LoggerMessage(6, LogLevel.Trace, "{Endpoint} ran {Rows} rows ({Reason}) in {Microseconds} us")]
    public static partial void Ran(ILogger logger, string endpoint, int rows, BatchCloseReason reason, double microseconds);

    [LoggerMessage(8, LogLevel.Warning, "{Endpoint} runs without a graph in batches of {Rows}: {Reason}")]
    public static partial void GraphRefused(ILogger logger, string endpoint, int rows, string reason);
}
