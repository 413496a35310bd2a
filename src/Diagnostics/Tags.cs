namespace FastBatch.Diagnostics;

/// <summary>The tags of metrics and spans. Every value is one of a few, and made once.</summary>
internal static class Tags
{
    public const string Endpoint = "fastbatch.endpoint";
    public const string CloseReason = "fastbatch.close.reason";
    public const string Phase = "fastbatch.phase";
    public const string Outcome = "fastbatch.outcome";
    public const string Reason = "fastbatch.reason";
    public const string Priority = "fastbatch.priority";
    public const string ErrorType = "error.type";

    public static string Value(BatchCloseReason reason) => reason switch
    {
        BatchCloseReason.Idle => "idle",
        BatchCloseReason.Full => "full",
        BatchCloseReason.Delay => "delay",
        BatchCloseReason.Drain => "drain",
        _ => "other",
    };

    public static string Value(RequestPriority priority) => priority switch
    {
        RequestPriority.Low => "low",
        RequestPriority.Normal => "normal",
        RequestPriority.High => "high",
        RequestPriority.Critical => "critical",
        _ => "other",
    };

    public static string Value(RequestOutcome outcome) => outcome switch
    {
        RequestOutcome.Succeeded => "succeeded",
        RequestOutcome.Failed => "failed",
        RequestOutcome.Cancelled => "cancelled",
        RequestOutcome.Rejected => "rejected",
        RequestOutcome.Closed => "closed",
        RequestOutcome.Dropped => "dropped",
        RequestOutcome.Expired => "expired",
        RequestOutcome.Abandoned => "abandoned",
        RequestOutcome.Stalled => "stalled",
        _ => "other",
    };

    /// <summary>Why a request has no result.</summary>
    public static string Error(RequestOutcome outcome) => outcome switch
    {
        RequestOutcome.Failed => "model_error",
        RequestOutcome.Rejected => "queue_full",
        RequestOutcome.Closed => "shutdown",
        RequestOutcome.Expired => "deadline",
        RequestOutcome.Abandoned => "invalid_input",
        _ => Value(outcome),
    };

    public static KeyValuePair<string, object?> Of(string key, string value) => new(key, value);
}
