namespace FastBatch.Native.Tests;

/// <summary>What loads, what does not, and what is said then.</summary>
public class LoadingTests
{
    [NativeFact]
    public void From_memory_as_from_the_file()
    {
        byte[] file = File.ReadAllBytes(Fixture.Path("mlp"));
        using TorchScriptModule module = TorchScriptModule.Load(file);
        Array.Clear(file);
        float[] rows = Fixture.Numbers(16);

        Assert.Equal("module", module.Name);
        Assert.Equal(Forward(Fixture.Load("mlp"), rows), Forward(module, rows));
    }

    [NativeFact]
    public void A_file_that_is_not_there_is_named()
    {
        var refusal = Assert.Throws<TorchException>(() => TorchScriptModule.Load("/nowhere/model.pt"));
        Assert.Contains("/nowhere/model.pt", refusal.Message);
    }

    [NativeFact]
    public void Garbage_is_refused()
    {
        byte[] garbage = new byte[5000];
        new Random(1).NextBytes(garbage);

        Assert.Throws<TorchException>(() => TorchScriptModule.Load(garbage));
        Assert.Throws<TorchException>(() => TorchScriptModule.Load([]));
        Assert.Throws<TorchException>(() => TorchScriptModule.Load("PK\u0003\u0004"u8));

        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, garbage);
            Assert.Contains(path, Assert.Throws<TorchException>(() => TorchScriptModule.Load(path)).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [NativeFact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] file = File.ReadAllBytes(Fixture.Path("mlp"));
        for (int length = 0; length < file.Length; length += 97)
        {
            Assert.Throws<TorchException>(() => TorchScriptModule.Load(file.AsSpan(0, length)));
        }
    }

    [NativeFact]
    public void A_file_with_a_flipped_bit_is_refused_or_computes()
    {
        byte[] file = File.ReadAllBytes(Fixture.Path("mlp"));
        for (int place = 0; place < file.Length; place += 61)
        {
            file[place] ^= 0x10;
            try
            {
                using TorchScriptModule module = TorchScriptModule.Load(file);
                Forward(module, Fixture.Numbers(16));
            }
            catch (TorchException)
            {
                // Most are; a few bits (a date, padding) mean nothing.
            }

            file[place] ^= 0x10;
        }
    }

    [NativeFact]
    public void A_method_that_is_not_there_is_answered_with_those_that_are()
    {
        using TorchScriptModule module = Fixture.Load("methods");

        var refusal = Assert.Throws<TorchException>(() => module.GetMethod("forwards"));

        Assert.Equal(TorchFailure.Argument, refusal.Failure);
        Assert.All((string[])["methods.pt", "forwards", "scale", "repeat"], name => Assert.Contains(name, refusal.Message));
    }

    [NativeFact]
    public void A_method_knows_its_inputs_and_is_looked_up_once()
    {
        using TorchScriptModule module = Fixture.Load("methods");
        TorchScriptMethod scale = module.GetMethod("scale");

        Assert.Equal(("methods.pt.scale", 2, 3), (scale.Name, scale.RequiredInputs, scale.MaxInputs));
        Assert.Same(scale, module.GetMethod("scale"));
        Assert.Equal((1, 1), (module.GetMethod("forward").RequiredInputs, module.GetMethod("forward").MaxInputs));
    }

    [NativeFact]
    public void A_device_that_is_not_there_is_refused()
    {
        int devices = Torch.CudaDeviceCount;
        var options = new TorchScriptOptions { Device = TorchDevice.Cuda(devices) };

        var refusal = Assert.Throws<TorchException>(() => TorchScriptModule.Load(Fixture.Path("mlp"), options));

        Assert.Contains(refusal.Failure, (TorchFailure[])[TorchFailure.Unsupported, TorchFailure.Argument]);
        Assert.Contains("CUDA", refusal.Message);
        Assert.Throws<TorchException>(() => Torch.Synchronize(TorchDevice.Cuda(devices)));
        Torch.Synchronize(TorchDevice.Cpu);
    }

    [NativeFact]
    public void The_library_describes_itself()
    {
        Assert.True(Torch.IsAvailable);
        Assert.Null(Torch.UnavailableReason);
        Assert.Matches(@"^libtorch \d+\.\d+.*, .*BLAS.*, CUDA: ", Torch.Description);
    }

    [Fact]
    public void Devices_have_names()
    {
        Assert.Equal("cpu", TorchDevice.Cpu.ToString());
        Assert.Equal("cuda:1", TorchDevice.Cuda(1).ToString());
        Assert.Equal(TorchDevice.Cpu, new TorchScriptOptions().Device);
        Assert.NotEqual(TorchDevice.Cpu, TorchDevice.Cuda());
        Assert.Throws<ArgumentOutOfRangeException>(() => TorchDevice.Cuda(-1));
    }

    private static float[] Forward(TorchScriptModule module, float[] rows)
    {
        float[] outputs = new float[10];
        using TorchScope scope = TorchScope.Enter();
        module.Forward(scope.Copy<float>(rows, [1, 16])).CopyTo<float>(outputs, [1, 10]);
        return outputs;
    }
}
