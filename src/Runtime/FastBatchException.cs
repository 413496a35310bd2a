namespace FastBatch;

/// <summary>
/// The base of every exception that FastBatch itself raises for an accepted or refused request, but for
/// <see cref="DeadlineExceededException"/>, which is a <see cref="TimeoutException"/>.
/// </summary>
/// <param name="batcher">The batcher, as <c>Type.Method</c>.</param>
/// <param name="message">What was given, what was expected, where.</param>
/// <param name="innerException">The cause, when there is one.</param>
public abstract class FastBatchException(string batcher, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The batcher that raised it, as <c>Type.Method</c>.</summary>
    public string Batcher { get; } = batcher;

    /// <summary>Whether the same request may succeed when sent again later, here or elsewhere.</summary>
    public abstract bool IsTransient { get; }

    /// <summary>
    /// What an exception of others says. Asked by threads that resume callers or have the device, where a property of the user's that throws must
    /// not end the process.
    /// </summary>
    internal static string MessageOf(Exception cause)
    {
        try
        {
            return cause.Message;
        }
        catch (Exception exception)
        {
            return $"(its Message threw {exception.GetType().Name})";
        }
    }
}

/// <summary>The request was refused because the batcher was full, or would have answered it after its deadline; it was never queued.</summary>
public sealed class BatcherOverloadedException : FastBatchException
{
    internal BatcherOverloadedException(string batcher, int capacity, TimeSpan retryAfter)
        : base(batcher, $"{batcher} is full: all {capacity} rows are taken. Retry after {retryAfter.TotalMilliseconds:0.###} ms, raise "
            + $"{nameof(BatcherOptions)}.{nameof(BatcherOptions.Capacity)}, or use {nameof(OverloadMode)}.{nameof(OverloadMode.Wait)}.")
    {
        RetryAfter = retryAfter;
    }

    internal BatcherOverloadedException(string batcher, TimeSpan deadline, TimeSpan late)
        : base(batcher, $"{batcher} is too busy: the request was due in {deadline.TotalMilliseconds:0.###} ms and would be answered "
            + $"{late.TotalMilliseconds:0.###} ms after that. Retry after that time, or give it a later deadline.")
    {
        RetryAfter = late;
    }

    /// <summary>
    /// When the rows now queued should be done, or enough of them for a request with the same deadline. An estimate; never negative.
    /// </summary>
    public TimeSpan RetryAfter { get; }

    /// <inheritdoc/>
    public override bool IsTransient => true;
}

/// <summary>The batcher is being disposed or has been; the request was refused, or ended because it could not run in time.</summary>
public sealed class BatcherClosedException : FastBatchException
{
    internal BatcherClosedException(string batcher)
        : base(batcher, $"{batcher} is closed: it was disposed before this request could run.")
    {
    }

    /// <inheritdoc/>
    public override bool IsTransient => false;
}

/// <summary>
/// The method threw on this request, or on rows run together with it (see <see cref="BatcherOptions.IsolateFaults"/>). Every request gets
/// an exception of its own; what the method threw is the <see cref="Exception.InnerException"/> of each.
/// </summary>
public sealed class BatchExecutionException : FastBatchException
{
    internal BatchExecutionException(string batcher, int batchSize, Exception cause)
        : base(batcher, $"{batcher} threw {cause.GetType().Name} on a batch of {batchSize}: {MessageOf(cause)}", cause)
    {
        BatchSize = batchSize;
    }

    /// <summary>The number of rows the method was given when it threw: 1 if this request alone makes it throw.</summary>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public override bool IsTransient => false;
}

/// <summary>
/// The method has not returned for <see cref="BatcherOptions.RunLimit"/>: this request was being run by it, waited behind it, or came when it
/// was known. It may have been run, or be running still, but its answer goes nowhere.
/// </summary>
public sealed class BatcherStalledException : FastBatchException
{
    internal BatcherStalledException(string batcher, TimeSpan limit)
        : base(batcher, $"{batcher} is stalled: its method has been running for more than {nameof(BatcherOptions)}.{nameof(BatcherOptions.RunLimit)} ({limit}).")
    {
    }

    /// <inheritdoc/>
    public override bool IsTransient => true;
}

/// <summary>A value that must be finite is not; see <see cref="BatcherOptions.RequireFinite"/>. Other requests are not concerned.</summary>
public sealed class NonFiniteException : FastBatchException
{
    internal NonFiniteException(string batcher, string place, int element, string value, bool isInput)
        : base(batcher, $"{batcher}: element {element} of {place} is {value}; {nameof(BatcherOptions)}.{nameof(BatcherOptions.RequireFinite)} asks for finite values.")
    {
        Element = element;
        IsInput = isInput;
    }

    /// <summary>The first such element of the row.</summary>
    public int Element { get; }

    /// <summary>Whether the caller brought it, in a request that was not run; otherwise the method gave it.</summary>
    public bool IsInput { get; }

    /// <inheritdoc/>
    public override bool IsTransient => false;
}

/// <summary>
/// The request was accepted, and dropped before it ran: by the batcher's policy (<see cref="Scheduling.BatchDecision.Drop"/>), or for a newer one
/// (<see cref="OverloadMode.DropOldest"/>).
/// </summary>
public sealed class RequestDroppedException : FastBatchException
{
    internal RequestDroppedException(string batcher)
        : base(batcher, $"{batcher}: the batch policy dropped this request before it ran.")
    {
    }

    private RequestDroppedException(string batcher, string message)
        : base(batcher, message)
    {
    }

    internal static RequestDroppedException ForNewer(string batcher) => new(
        batcher, $"{batcher} is full: this request was dropped for a newer one ({nameof(OverloadMode)}.{nameof(OverloadMode.DropOldest)}).");

    /// <inheritdoc/>
    public override bool IsTransient => true;
}

/// <summary>
/// The batcher's device is lost: what it did for this request cannot be believed, or it was never asked. Every request that was pending ends
/// with one, and so does every later one; <see cref="Batcher.Loss"/> says the same. Nothing but a new process helps.
/// </summary>
public sealed class DeviceLostException : FastBatchException
{
    internal DeviceLostException(string batcher, Exception cause)
        : base(batcher, $"{batcher} can run nothing any more. {MessageOf(cause)}", cause)
    {
    }

    /// <summary>True: another process, with a device that works, may serve it.</summary>
    public override bool IsTransient => true;
}

/// <summary>
/// The request's deadline passed before its answer was ready, or the answer was certain to be late; it was not run, or its answer is
/// discarded. Whoever catches a <see cref="TimeoutException"/> catches it.
/// </summary>
public sealed class DeadlineExceededException : TimeoutException
{
    internal DeadlineExceededException(string batcher)
        : base($"{batcher}: the request was not answered before its deadline ({nameof(RequestOptions)}.{nameof(RequestOptions.Deadline)} or "
            + $"{nameof(BatcherOptions)}.{nameof(BatcherOptions.Deadline)}).")
    {
        Batcher = batcher;
    }

    /// <summary>The batcher that raised it, as <c>Type.Method</c>.</summary>
    public string Batcher { get; }
}
