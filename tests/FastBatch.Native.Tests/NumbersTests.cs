using System.Numerics;
using System.Runtime.InteropServices;

namespace FastBatch.Native.Tests;

/// <summary>What comes out is what Python computed.</summary>
public class NumbersTests
{
    // Another BLAS sums in another order; everything that does not sum must give the same bits.
    private const double Tolerance = 1e-6;

    public static TheoryData<int> CaseNumbers => [.. Enumerable.Range(0, Fixture.Cases.Count)];

    [NativeTheory]
    [MemberData(nameof(CaseNumbers))]
    public void As_in_python(int number) => Check(Fixture.Cases[number], options: null);

    [NativeTheory]
    [MemberData(nameof(CaseNumbers))]
    public void As_in_python_frozen(int number) => Check(Fixture.Cases[number], new TorchScriptOptions { Freeze = true });

    [NativeTheory]
    [MemberData(nameof(CaseNumbers))]
    public void As_in_python_optimized(int number) => Check(Fixture.Cases[number], new TorchScriptOptions { OptimizeForInference = true });

    private static void Check(Case one, TorchScriptOptions? options)
    {
        using TorchScriptModule module = TorchScriptModule.Load(Fixture.Path(one.Module), options);
        using TorchScope scope = TorchScope.Enter();
        var inputs = new TorchTensor[one.Inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = Copy(scope, one.Inputs[i]);
        }

        var outputs = new TorchTensor[one.Outputs.Length];
        module.GetMethod(one.Method).Invoke(inputs, outputs);

        for (int i = 0; i < outputs.Length; i++)
        {
            Values expected = one.Outputs[i];
            Assert.Equal(expected.Shape.Length, outputs[i].Rank);
            Assert.Equal(expected.Shape, Enumerable.Range(0, expected.Shape.Length).Select(outputs[i].GetLength));
            Check(outputs[i], expected);
        }
    }

    private static TorchTensor Copy(TorchScope scope, Values values) => values.Dtype switch
    {
        "float32" => Copy<float>(scope, values),
        "float64" => Copy<double>(scope, values),
        "float16" => Copy<Half>(scope, values),
        "int64" => Copy<long>(scope, values),
        "int32" => Copy<int>(scope, values),
        "int16" => Copy<short>(scope, values),
        "int8" => Copy<sbyte>(scope, values),
        "uint8" => Copy<byte>(scope, values),
        "bool" => Copy<bool>(scope, values),
        _ => throw new NotSupportedException(values.Dtype),
    };

    private static TorchTensor Copy<T>(TorchScope scope, Values values)
        where T : unmanaged => scope.Copy<T>(MemoryMarshal.Cast<byte, T>(values.Data), values.Shape);

    private static void Check(TorchTensor actual, Values expected)
    {
        switch (expected.Dtype)
        {
            case "float32":
                Assert.Equal(TorchElementType.Single, actual.ElementType);
                Near<float>(Read<float>(actual, expected), expected);
                break;
            case "float64":
                Assert.Equal(TorchElementType.Double, actual.ElementType);
                Near<double>(Read<double>(actual, expected), expected);
                break;
            case "float16":
                Equal<Half>(actual, TorchElementType.Half, expected);
                break;
            case "int64":
                Equal<long>(actual, TorchElementType.Int64, expected);
                break;
            case "int32":
                Equal<int>(actual, TorchElementType.Int32, expected);
                break;
            case "int16":
                Equal<short>(actual, TorchElementType.Int16, expected);
                break;
            case "int8":
                Equal<sbyte>(actual, TorchElementType.SByte, expected);
                break;
            case "uint8":
                Equal<byte>(actual, TorchElementType.Byte, expected);
                break;
            case "bool":
                Equal<bool>(actual, TorchElementType.Boolean, expected);
                break;
            default:
                throw new NotSupportedException(expected.Dtype);
        }
    }

    private static void Equal<T>(TorchTensor actual, TorchElementType type, Values expected)
        where T : unmanaged
    {
        Assert.Equal(type, actual.ElementType);
        Assert.Equal(expected.Data, MemoryMarshal.AsBytes<T>(Read<T>(actual, expected)).ToArray());
    }

    private static T[] Read<T>(TorchTensor actual, Values expected)
        where T : unmanaged
    {
        var elements = new T[MemoryMarshal.Cast<byte, T>(expected.Data).Length];
        actual.CopyTo<T>(elements, expected.Shape);
        return elements;
    }

    private static void Near<T>(T[] actual, Values expected)
        where T : unmanaged, INumber<T>
    {
        T[] wanted = MemoryMarshal.Cast<byte, T>(expected.Data).ToArray();
        for (int i = 0; i < wanted.Length; i++)
        {
            Assert.Equal(double.CreateChecked(wanted[i]), double.CreateChecked(actual[i]), Tolerance);
        }
    }
}
