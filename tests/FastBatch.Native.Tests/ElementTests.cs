using System.Numerics;
using System.Runtime.InteropServices;

namespace FastBatch.Native.Tests;

/// <summary>Every element type and every layout goes through unchanged, bit by bit.</summary>
public unsafe class ElementTests
{
    [NativeFact]
    public void Every_type_passes_borrowed_and_copied()
    {
        Passes<byte>([0, 1, 254, 255, 7, 8], TorchElementType.Byte);
        Passes<sbyte>([0, 1, -128, 127, 7, 8], TorchElementType.SByte);
        Passes<short>([0, 1, short.MinValue, short.MaxValue, 7, 8], TorchElementType.Int16);
        Passes<int>([0, 1, int.MinValue, int.MaxValue, 7, 8], TorchElementType.Int32);
        Passes<long>([0, 1, long.MinValue, long.MaxValue, 7, 8], TorchElementType.Int64);
        Passes<bool>([true, false, true, true, false, false], TorchElementType.Boolean);
    }

    [NativeFact]
    public void Nans_infinities_and_zeros_keep_their_bits()
    {
        Passes(Special<float>(BitConverter.Int32BitsToSingle(0x7FC12345)), TorchElementType.Single);
        Passes(Special<double>(BitConverter.Int64BitsToDouble(0x7FF8123456789ABC)), TorchElementType.Double);
        Passes(Special<Half>(BitConverter.Int16BitsToHalf(0x7E12)), TorchElementType.Half);

        static T[] Special<T>(T nanWithPayload)
            where T : IFloatingPointIeee754<T> =>
            [T.NaN, nanWithPayload, T.PositiveInfinity, T.NegativeInfinity, T.NegativeZero, T.Epsilon];
    }

    [NativeFact]
    public void Nan_and_infinity_stay_in_their_rows()
    {
        using TorchScriptModule module = Fixture.Load("mlp");
        using TorchScope scope = TorchScope.Enter();
        float[] rows = Fixture.Numbers(3 * 16);
        float[] clean = new float[10];
        module.Forward(scope.Copy<float>(rows.AsSpan(32), [1, 16])).CopyTo<float>(clean, [1, 10]);
        rows[0] = float.NaN;
        rows[16] = float.PositiveInfinity;

        float[] outputs = new float[30];
        module.Forward(scope.Copy<float>(rows, [3, 16])).CopyTo<float>(outputs, [3, 10]);

        Assert.All(outputs[..10], static value => Assert.True(float.IsNaN(value)));
        Assert.All(outputs[10..20], static value => Assert.False(float.IsFinite(value)));
        Assert.All(outputs[20..].Zip(clean), static pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
    }

    [NativeFact]
    public void Types_that_tensors_do_not_have_are_refused_by_name()
    {
        using TorchScope scope = TorchScope.Enter();
        NotSupportedException? refusal = null;
        try
        {
            scope.Copy<char>("ab", [2]);
        }
        catch (NotSupportedException exception)
        {
            refusal = exception;
        }

        Assert.Contains("System.Char", refusal?.Message);
    }

    [NativeFact]
    public void A_scalar_and_an_empty_batch_are_tensors_too()
    {
        using TorchScriptModule identity = Fixture.Load("identity");
        using TorchScope scope = TorchScope.Enter();
        float scalar = 0;
        identity.Forward(scope.Copy<float>([42], [])).CopyTo(new Span<float>(ref scalar), []);
        Assert.Equal(42, scalar);

        TorchTensor empty = identity.Forward(scope.Copy<float>([], [0, 16]));
        Assert.Equal("Single [0, 16]", empty.ToString());
        empty.CopyTo<float>([], [0, 16]);
        identity.Forward(scope.Borrow<float>([], [0, 16])).CopyTo<float>([], [0, 16]);
    }

    [NativeFact]
    public void The_batch_may_be_another_dimension()
    {
        // Rows of 2 x 3 in memory; the batch of 4 is the middle dimension of the tensor, [2, 4, 3].
        float[] rows = GC.AllocateArray<float>(24, pinned: true);
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = i;
        }

        using TorchScriptModule identity = Fixture.Load("identity");
        using TorchScope scope = TorchScope.Enter();
        TorchTensor tensor = identity.Forward(scope.Borrow<float>(rows, [2, 4, 3], batchDim: 1));

        float[] inMemoryOfTorch = new float[24];
        tensor.CopyTo<float>(inMemoryOfTorch, [2, 4, 3]);
        for (int a = 0; a < 2; a++)
        {
            for (int row = 0; row < 4; row++)
            {
                for (int b = 0; b < 3; b++)
                {
                    Assert.Equal(rows[(row * 6) + (a * 3) + b], inMemoryOfTorch[(a * 12) + (row * 3) + b]);
                }
            }
        }

        float[] back = new float[24];
        tensor.CopyTo<float>(back, [2, 4, 3], batchDim: 1);
        Assert.Equal(rows, back);
    }

    [NativeFact]
    public void Columns_go_in_and_out_as_rows()
    {
        Case one = Fixture.Cases.Single(static one => one.Module == "columns");
        float[] columns = MemoryMarshal.Cast<byte, float>(one.Inputs[0].Data).ToArray(); // [3, 9]
        float[] rows = GC.AllocateArray<float>(27, pinned: true);
        for (int row = 0; row < 9; row++)
        {
            for (int i = 0; i < 3; i++)
            {
                rows[(row * 3) + i] = columns[(i * 9) + row];
            }
        }

        using TorchScriptModule module = Fixture.Load("columns");
        using TorchScope scope = TorchScope.Enter();
        float[] outputs = new float[18];
        module.Forward(scope.Borrow<float>(rows, [3, 9], batchDim: 1)).CopyTo<float>(outputs, [2, 9], batchDim: 1);

        float[] expected = MemoryMarshal.Cast<byte, float>(one.Outputs[0].Data).ToArray(); // [2, 9]
        for (int row = 0; row < 9; row++)
        {
            Assert.Equal(expected[row], outputs[row * 2], 1e-6f);
            Assert.Equal(expected[9 + row], outputs[(row * 2) + 1], 1e-6f);
        }
    }

    [NativeFact]
    public void Borrowed_memory_is_read_in_place_and_a_copy_is_not()
    {
        float[] values = GC.AllocateArray<float>(2, pinned: true);
        using TorchScriptModule identity = Fixture.Load("identity");
        using TorchScope scope = TorchScope.Enter();
        TorchTensor borrowed = scope.Borrow<float>(values, [2]);
        TorchTensor copied = scope.Copy<float>(values, [2]);
        values[0] = 5;

        float[] read = new float[2];
        borrowed.CopyTo<float>(read, [2]);
        Assert.Equal([5, 0], read);
        copied.CopyTo<float>(read, [2]);
        Assert.Equal([0, 0], read);
    }

    [NativeFact]
    public void Shapes_that_do_not_fit_the_memory_are_refused_before_anything_runs()
    {
        AssertRefused([2, 4], "6 elements do not make [2, 4], which has 8");
        AssertRefused([-2, -3], "[-2, -3] is no shape");
        AssertRefused([long.MaxValue, long.MaxValue], "is no shape");
        AssertRefused([.. Enumerable.Repeat(1L, 33)], "33 dimensions is not supported; up to 32 are");

        using TorchScope scope = TorchScope.Enter();
        string? message = null;
        try
        {
            scope.Borrow<float>(new float[6], [2, 3], batchDim: 2);
        }
        catch (ArgumentException exception)
        {
            message = exception.Message;
        }

        Assert.Equal("The batch cannot be dimension 2 of [2, 3].", message);
    }

    private static void AssertRefused(long[] shape, string text)
    {
        using TorchScope scope = TorchScope.Enter();
        TorchTensor tensor = scope.Copy<float>(new float[6], [2, 3]);
        string?[] messages = new string?[2];
        try
        {
            scope.Copy<float>(new float[6], shape);
        }
        catch (ArgumentException exception)
        {
            messages[0] = exception.Message;
        }

        try
        {
            tensor.CopyTo<float>(new float[6], shape);
        }
        catch (ArgumentException exception)
        {
            messages[1] = exception.Message;
        }

        Assert.All(messages, message => Assert.Contains(text, message));
    }

    private static void Passes<T>(T[] values, TorchElementType type)
        where T : unmanaged
    {
        using TorchScriptModule identity = Fixture.Load("identity");
        TorchScriptMethod copy = identity.GetMethod("copy");
        T[] pinned = GC.AllocateArray<T>(values.Length, pinned: true);
        values.CopyTo(pinned, 0);
        using TorchScope scope = TorchScope.Enter();
        foreach (TorchTensor input in (TorchTensor[])[scope.Copy<T>(values, [2, 3]), scope.Borrow<T>(pinned, [2, 3])])
        {
            foreach (TorchTensor output in (TorchTensor[])[input, identity.Forward(input), copy.Invoke(input)])
            {
                Assert.Equal(type, output.ElementType);
                T[] read = new T[values.Length];
                output.CopyTo<T>(read, [2, 3]);
                Assert.Equal(MemoryMarshal.AsBytes<T>(values).ToArray(), MemoryMarshal.AsBytes<T>(read).ToArray());
            }
        }
    }
}
