using FastBatch.LoadTests.Scenarios;

namespace FastBatch.LoadTests.Rivals;

/// <summary>
/// The part that all hand-written batchers share: rows are copied one after the other as they are taken from the queue,
/// the model runs once, the answers are copied back. Allocated once; used by one batching loop at a time.
/// </summary>
internal sealed class BatchBuffers<TModel>
    where TModel : struct, IModel
{
    private readonly float[] _rows = new float[TModel.MaxBatchSize * TModel.RowLength];
    private readonly float[] _answers = new float[TModel.MaxBatchSize * Computation.AnswerLength];

    public void SetRow(int index, ReadOnlyMemory<float> row) => row.Span.CopyTo(_rows.AsSpan(index * TModel.RowLength, TModel.RowLength));

    public void Run(int count) =>
        TModel.Run(_rows.AsSpan(0, count * TModel.RowLength), _answers.AsSpan(0, count * Computation.AnswerLength));

    public void CopyAnswer(int index, Memory<float> answer) =>
        _answers.AsSpan(index * Computation.AnswerLength, Computation.AnswerLength).CopyTo(answer.Span);
}
