using System.Numerics;
using System.Runtime.InteropServices;
using FastBatch.LoadTests.Harness;
using FastBatch.Native;

namespace FastBatch.LoadTests.Gpu;

/// <summary>
/// A model where it is to run, rows for it, and the answers that it gives them one by one; those are compared with PyTorch's first. It does not
/// change after it was made: any thread may run it and check answers.
/// </summary>
internal sealed class GpuModel<TRow, TAnswer> : IDisposable
    where TRow : unmanaged
    where TAnswer : unmanaged, INumberBase<TAnswer>
{
    // Fewer rows told apart than this, and an answer that belongs to another row might pass.
    private const double LeastDistinct = 0.99;

    private readonly long[] _rowShape;
    private readonly long[] _answerShape;
    private readonly float[][] _answers;
    private readonly float _tolerance;

    private GpuModel(ModelFiles files, ModelFiles.Entry entry, GpuTarget target)
    {
        (Name, Batch, _rowShape, _answerShape) = (entry.Name, entry.Batch, entry.RowShape, entry.AnswerShape);
        RowLength = Length(_rowShape);
        AnswerLength = Length(_answerShape);
        Module = TorchScriptModule.Load(files.PathOf($"{Name}.pt"), new TorchScriptOptions { Device = target.Modules });
        Rows = Split<TRow>(files.PathOf($"{Name}.rows"), RowLength);
        float[][] right = Split<float>(files.PathOf($"{Name}.answers"), AnswerLength);
        if (right.Length != Rows.Length)
        {
            throw new InvalidDataException($"{Name} has {Rows.Length} rows and {right.Length} answers.");
        }

        float largest = right.Max(static answer => answer.Max(float.Abs));
        _tolerance = (float)entry.Tolerance * largest;
        Tolerance = entry.Tolerance;
        _answers = right;
        Distinct = ShareOfDistinct(right);
        TAnswer[][] alone = Array.ConvertAll(Rows, RunAlone);
        DifferenceFromPytorch = alone.Select((answer, row) => Check("one-by-one", row, answer)).Max() / largest;
        _answers = Array.ConvertAll(alone, static answer => Array.ConvertAll(answer, static value => float.CreateTruncating(value)));
        LargestAnswer = largest;
    }

    public string Name { get; }

    public int Batch { get; }

    public int RowLength { get; }

    public int AnswerLength { get; }

    public TorchScriptModule Module { get; }

    /// <summary>In memory that does not move.</summary>
    public TRow[][] Rows { get; }

    /// <summary>How far an answer may be from the right one, in parts of the largest.</summary>
    public double Tolerance { get; }

    public float LargestAnswer { get; }

    /// <summary>Of the pairs of rows, the part whose answers differ by eight times the tolerance or more.</summary>
    public double Distinct { get; }

    /// <summary>The largest difference between an answer here and PyTorch's on the CPU in float32, in parts of the largest answer.</summary>
    public double DifferenceFromPytorch { get; }

    /// <summary>Loads it, and ends the program if its answers are not PyTorch's.</summary>
    public static GpuModel<TRow, TAnswer> Load(ModelFiles files, ModelFiles.Entry entry, GpuTarget target)
    {
        var model = new GpuModel<TRow, TAnswer>(files, entry, target);
        if (model.Distinct < LeastDistinct)
        {
            Failure.WrongAnswer(model.Name, $"only {model.Distinct:0.0 %} of the pairs of rows have answers that can be told apart");
        }

        return model;
    }

    /// <summary>As it is first written: a tensor over the rows, which lie still; the module brings it to its device, and the result is read.</summary>
    public void Forward(ReadOnlySpan<TRow> rows, Span<TAnswer> answers)
    {
        int count = rows.Length / RowLength;
        using TorchScope scope = TorchScope.Enter();
        Module.Forward(scope.Borrow(rows, [count, .. _rowShape])).CopyTo(answers, [count, .. _answerShape]);
    }

    /// <summary>A tensor of the first rows, over and over up to a full batch.</summary>
    public TorchTensor FullBatch(TorchScope scope)
    {
        var rows = new TRow[Batch * RowLength];
        for (int i = 0; i < Batch; i++)
        {
            Rows[i % Rows.Length].CopyTo(rows, i * RowLength);
        }

        return scope.Copy<TRow>(rows, [Batch, .. _rowShape]);
    }

    /// <summary>Ends the program unless the answer is that of the row. Returns how far it is off.</summary>
    public float Check(string batcher, int row, ReadOnlySpan<TAnswer> answer)
    {
        ReadOnlySpan<float> right = _answers[row];
        float largest = 0;
        for (int i = 0; i < right.Length; i++)
        {
            float difference = float.Abs(float.CreateTruncating(answer[i]) - right[i]);
            if (!(difference <= _tolerance)) // A NaN is no answer either.
            {
                Wrong(batcher, row, i, float.CreateTruncating(answer[i]));
            }

            largest = float.Max(largest, difference);
        }

        return largest;
    }

    public void Dispose() => Module.Dispose();

    private void Wrong(string batcher, int row, int index, float got) => Failure.WrongAnswer(
        batcher, $"{Name}, row {row}: element {index} is {got} where {_answers[row][index]} is right, give or take {_tolerance}");

    private TAnswer[] RunAlone(TRow[] row)
    {
        var answer = new TAnswer[AnswerLength];
        Forward(row, answer);
        return answer;
    }

    private double ShareOfDistinct(float[][] answers)
    {
        int pairs = 0;
        int distinct = 0;
        for (int i = 0; i < answers.Length; i++)
        {
            for (int j = i + 1; j < answers.Length; j++)
            {
                pairs++;
                distinct += answers[i].Zip(answers[j], static (a, b) => float.Abs(a - b)).Max() > 8 * _tolerance ? 1 : 0;
            }
        }

        return (double)distinct / pairs;
    }

    private static T[][] Split<T>(string path, int length)
        where T : unmanaged
    {
        ReadOnlySpan<T> all = MemoryMarshal.Cast<byte, T>(File.ReadAllBytes(path));
        var rows = new T[all.Length / length][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = GC.AllocateUninitializedArray<T>(length, pinned: true);
            all.Slice(i * length, length).CopyTo(rows[i]);
        }

        return rows;
    }

    private static int Length(long[] shape) => (int)shape.Aggregate(1L, static (product, extent) => product * extent);
}
