namespace FastBatch.LoadTests.Rivals;

/// <summary>A request of the task-based batchers. Deriving from the completion source saves one object per request.</summary>
internal sealed class TaskRequest(ReadOnlyMemory<float> row, Memory<float> answer, TaskCreationOptions completion)
    : TaskCompletionSource(completion)
{
    public ReadOnlyMemory<float> Row => row;

    public Memory<float> Answer => answer;
}
